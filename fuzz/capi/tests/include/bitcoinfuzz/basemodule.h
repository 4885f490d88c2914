// Stands in for bitcoinfuzz's header of this name, with the functions that the module overrides, so that the module is compiled and
// called here too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bitcoinfuzz {
class BaseModule {
public:
  const std::string name;
  explicit BaseModule(const std::string &name) : name(name) {}
  virtual std::optional<bool> script_eval(const std::vector<uint8_t> &, unsigned int, size_t) const {
    return std::nullopt;
  }
  virtual std::optional<bool> verify_script(const std::vector<uint8_t> &, const std::vector<uint8_t> &) const {
    return std::nullopt;
  }
  virtual ~BaseModule() noexcept = default;
};
} // namespace bitcoinfuzz
