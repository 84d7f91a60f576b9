// Numbers exported to JavaScript by name, so that lib/ needs no copies.
#pragma once

#include <cstdint>
#include <span>

namespace netlink {

struct Named {
  const char* name;
  uint32_t number;
};

template <typename Enum> constexpr Named named(const char* name, Enum value) {
  return {name, static_cast<uint32_t>(value)};
}

// Numbers with a common purpose.
struct NamedGroup {
  const char* name;
  std::span<const Named> numbers;
};

} // namespace netlink
