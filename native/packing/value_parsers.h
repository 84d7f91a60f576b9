// Parses single values of batch items.
#pragma once

#include "packing/v8_value.h"

namespace ipvs {

inline bool absent(const Cloned& value) { return value.kind == Cloned::Kind::undefined; }

inline bool is(const Cloned& value, std::string_view text) {
  return value.kind == Cloned::Kind::text && value.text() == text;
}

inline bool isInteger(const Cloned& value, int64_t least, int64_t most) {
  return value.kind == Cloned::Kind::integer && value.number >= least && value.number <= most;
}

// True for a name shorter than `room` from which the kernel can derive the name of a module.
[[nodiscard]] bool isModuleName(const Cloned& value, size_t room);

// Parses four decimal numbers without leading zeros into four bytes. False: another format.
[[nodiscard]] bool readIPv4(std::string_view text, std::byte* bytes);

// Parses an address as accepted by lib/values/address.ts into 16 bytes; IPv4 uses the first four. False: invalid, or a
// special address that is left to lib/.
[[nodiscard]] bool readAddress(const Cloned& value, uint16_t& family, std::byte* bytes);

} // namespace ipvs
