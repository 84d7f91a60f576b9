// Parses hexadecimal digits of the connection table, a word at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace ipvs {

static_assert(std::endian::native == std::endian::little, "the first character is the lowest byte of a word");

template <typename Word> Word load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

template <typename Word> constexpr Word repeated(uint8_t byte) { return static_cast<Word>(~Word{0} / 255 * byte); }

// Sets bit 7 of each byte in [low, high]. Only for bytes below 128.
template <typename Word> constexpr Word within(Word word, uint8_t low, uint8_t high) {
  return (word + repeated<Word>(static_cast<uint8_t>(0x80 - low))) &
         static_cast<Word>(~(word + repeated<Word>(static_cast<uint8_t>(0x7f - high))));
}

// Sets bit 7 of each byte that is not a digit. `a`: 'A' for IPv4 and ports, 'a' for IPv6, as the kernel prints them.
template <typename Word> constexpr Word notHex(Word word, char a) {
  const Word digit = within(word, '0', '9') | within(word, static_cast<uint8_t>(a), static_cast<uint8_t>(a + 5));
  return (static_cast<Word>(~digit) | word) & repeated<Word>(0x80);
}

template <typename Word> constexpr Word nibbles(Word word) {
  return (word & repeated<Word>(0x0f)) + 9 * ((word >> 6) & repeated<Word>(1));
}

// Joins the values of eight digits to four bytes in network order.
constexpr uint32_t joined8(uint64_t nibble) {
  uint64_t pairs = (nibble << 4 | nibble >> 8) & 0x00ff00ff00ff00ff;
  pairs = (pairs | pairs >> 8) & 0x0000ffff0000ffff;
  return static_cast<uint32_t>(pairs | pairs >> 16);
}

// Joins the values of four digits to two bytes in network order.
constexpr uint16_t joined4(uint32_t nibble) {
  const uint32_t pairs = (nibble << 4 | nibble >> 8) & 0x00ff00ff;
  return static_cast<uint16_t>(pairs | pairs >> 8);
}

} // namespace ipvs
