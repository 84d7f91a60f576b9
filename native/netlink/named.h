// Numbers that JavaScript takes by name, so that no copy of them stands in lib/.
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

// Numbers of one kind.
struct NamedGroup {
  const char* name;
  std::span<const Named> numbers;
};

} // namespace netlink
