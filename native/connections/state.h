// Converts the name of a state to its number with one multiplication and one comparison.
#pragma once

#include "connections/connection.h"
#include "connections/digits.h"

#include <array>

namespace ipvs {

// A state as printed, 12 bytes: the name, padded with spaces to eleven characters, and the separator.
struct StateText {
  uint64_t start;
  uint32_t end;
};

constexpr StateText stateText(std::string_view name) {
  StateText text{repeated<uint64_t>(' '), repeated<uint32_t>(' ')};
  for (size_t i = 0; i < name.size(); ++i) {
    const uint64_t difference = static_cast<uint8_t>(name[i] ^ ' ');
    if (i < 8) {
      text.start ^= difference << (8 * i);
    } else {
      text.end ^= static_cast<uint32_t>(difference << (8 * (i - 8)));
    }
  }
  return text;
}

inline constexpr size_t stateSlots = 128;
inline constexpr uint8_t noState = 255;
constexpr size_t slotOf(const StateText& text, uint64_t multiplier) {
  return ((text.start ^ static_cast<uint64_t>(text.end) << 32) * multiplier) >> 57;
}

// A perfect hash table: the multiplier is the first one without collisions.
struct StateTable {
  uint64_t multiplier = 0;
  std::array<uint8_t, stateSlots> codes{};
  std::array<StateText, std::size(stateNames)> texts{};

  constexpr bool fits(uint64_t candidate) {
    multiplier = candidate;
    codes.fill(noState);
    for (size_t i = 0; i < texts.size(); ++i) {
      uint8_t& slot = codes[slotOf(texts[i], candidate)];
      if (slot != noState) {
        return false;
      }
      slot = static_cast<uint8_t>(i);
    }
    return true;
  }
};

constexpr StateTable makeStateTable() {
  StateTable table;
  for (size_t i = 0; i < table.texts.size(); ++i) {
    table.texts[i] = stateText(stateNames[i]);
  }
  uint64_t candidate = 0x9e3779b97f4a7c15;
  while (!table.fits(candidate)) {
    candidate = candidate * 6364136223846793005 + 1442695040888963407;
    candidate |= 1;
  }
  return table;
}
inline constexpr StateTable stateTable = makeStateTable();

} // namespace ipvs
