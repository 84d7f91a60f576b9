// Partly known values: some bits are constant, the rest depends on the packet.
#pragma once

#include "netlink/attribute.h"

#include <array>

namespace nftables {

enum class Truth : uint8_t { no, yes, maybe };

constexpr Truth truth(bool value) { return value ? Truth::yes : Truth::no; }
constexpr Truth negate(Truth value) { return value == Truth::maybe ? Truth::maybe : truth(value == Truth::no); }
constexpr Truth both(Truth left, Truth right) {
  if (left == Truth::no || right == Truth::no) {
    return Truth::no;
  }
  return left == Truth::maybe || right == Truth::maybe ? Truth::maybe : Truth::yes;
}

template <typename Word> struct KnownBits {
  Word value{};
  Word known{}; // mask of the known bits; unknown bits of `value` are 0

  static constexpr KnownBits of(Word value) { return {value, static_cast<Word>(~Word{})}; }

  [[nodiscard]] constexpr KnownBits masked(Word mask) const { return {value & mask, known | ~mask}; }
  [[nodiscard]] constexpr KnownBits toggled(const KnownBits& other) const {
    const Word both = known & other.known;
    return {(value ^ other.value) & both, both};
  }
  // The bits known if the value is either this one or `other`.
  [[nodiscard]] constexpr KnownBits joined(const KnownBits& other) const {
    const Word same = known & other.known & ~(value ^ other.value);
    return {value & same, same};
  }
  [[nodiscard]] constexpr Truth equals(Word other) const {
    if (((value ^ other) & known) != Word{}) {
      return Truth::no;
    }
    return known == static_cast<Word>(~Word{}) ? Truth::yes : Truth::maybe;
  }
  constexpr bool operator==(const KnownBits&) const = default;
};

using KnownByte = KnownBits<std::byte>;
using KnownWord = KnownBits<uint32_t>;

constexpr KnownByte knownByte(unsigned value) { return KnownByte::of(static_cast<std::byte>(value)); }

inline KnownWord wordOf(std::span<const KnownByte> bytes) {
  std::array<std::byte, 4> value{};
  std::array<std::byte, 4> known{};
  for (size_t i = 0; i < value.size() && i < bytes.size(); ++i) {
    value[i] = bytes[i].value;
    known[i] = bytes[i].known;
  }
  return {netlink::load<uint32_t>(value.data()), netlink::load<uint32_t>(known.data())};
}

inline std::array<KnownByte, 4> bytesOf(const KnownWord& word) {
  std::array<std::byte, 4> value{};
  std::array<std::byte, 4> known{};
  netlink::store(value.data(), word.value);
  netlink::store(known.data(), word.known);
  std::array<KnownByte, 4> bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = {value[i], known[i]};
  }
  return bytes;
}

// Whether from <= bytes <= to, in the order of memcmp().
inline Truth within(std::span<const KnownByte> bytes, netlink::Bytes from, netlink::Bytes to) {
  bool lower = true; // equal to the bound so far
  bool upper = true;
  for (size_t i = 0; i < bytes.size() && (lower || upper); ++i) {
    const std::byte low = i < from.size() ? from[i] : std::byte{0};
    const std::byte high = i < to.size() ? to[i] : std::byte{0};
    if (lower && upper && low == high) {
      const Truth same = bytes[i].equals(low);
      if (same == Truth::no) {
        return Truth::no;
      }
      if (same == Truth::maybe) {
        // Only a known byte that differs can still rule it out.
        for (size_t rest = i + 1;
             rest < bytes.size() && rest < from.size() && rest < to.size() && from[rest] == to[rest]; ++rest) {
          if (bytes[rest].equals(from[rest]) == Truth::no) {
            return Truth::no;
          }
        }
        return Truth::maybe;
      }
      continue;
    }
    if (bytes[i].known != std::byte{0xff}) {
      return Truth::maybe;
    }
    if ((lower && bytes[i].value < low) || (upper && bytes[i].value > high)) {
      return Truth::no;
    }
    lower = lower && bytes[i].value == low;
    upper = upper && bytes[i].value == high;
  }
  return Truth::yes;
}

} // namespace nftables
