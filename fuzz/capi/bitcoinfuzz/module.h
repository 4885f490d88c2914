// A module of bitcoinfuzz: copy this folder to its `modules/sigstack`, link libsigstack_capi.a and register the class as the other
// modules are. What it does not override it abstains from.
#pragma once

#include <bitcoinfuzz/basemodule.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace bitcoinfuzz {
namespace module {
class Sigstack : public BaseModule {
public:
  Sigstack();
  std::optional<bool> script_eval(const std::vector<uint8_t> &input_data, unsigned int flags,
                                  size_t version) const override;
  std::optional<bool> verify_script(const std::vector<uint8_t> &script_sig,
                                    const std::vector<uint8_t> &script_pubkey) const override;
  ~Sigstack() noexcept override = default;
};
} // namespace module
} // namespace bitcoinfuzz
