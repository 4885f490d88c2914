#include "module.h"

#include <sigstack.h>

namespace bitcoinfuzz {
namespace module {
namespace {
std::optional<bool> Answer(int32_t verdict) {
  if (verdict == SIGSTACK_ABSTAIN)
    return std::nullopt;
  return verdict == SIGSTACK_VALID;
}
} // namespace

Sigstack::Sigstack() : BaseModule("Sigstack") {}

// The harness draws any flags, and its modules take none.
std::optional<bool> Sigstack::script_eval(const std::vector<uint8_t> &input_data, unsigned int,
                                          size_t version) const {
  return Answer(sigstack_script_eval(input_data.data(), input_data.size(), 0, version));
}

std::optional<bool> Sigstack::verify_script(const std::vector<uint8_t> &script_sig,
                                            const std::vector<uint8_t> &script_pubkey) const {
  return Answer(sigstack_verify_script(script_sig.data(), script_sig.size(), script_pubkey.data(),
                                       script_pubkey.size()));
}
} // namespace module
} // namespace bitcoinfuzz
