// CIDR blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace nftables {

// The prefix length if the range from `from` to `to` is exactly one CIDR block.
inline std::optional<size_t> prefixOf(const std::byte* from, const std::byte* to, size_t length) {
  std::optional<size_t> prefix;
  for (size_t bit = 0; bit < length * 8; ++bit) {
    const std::byte one = std::byte{0x80} >> (bit % 8);
    const bool first = (from[bit / 8] & one) != std::byte{0};
    const bool last = (to[bit / 8] & one) != std::byte{0};
    if (!prefix && first != last) {
      prefix = bit;
    }
    if (prefix && (first || !last)) {
      return std::nullopt;
    }
  }
  return prefix.value_or(length * 8);
}

} // namespace nftables
