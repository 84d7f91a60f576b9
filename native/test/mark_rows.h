// Rows of our table for tests.
#pragma once

#include "nftables/element.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

namespace fake {

// An element of a map, with the place that TypeScript chooses.
inline nftables::Element markRow(const char* from, const char* to, uint16_t protocol, uint16_t portFrom,
                                 uint16_t portTo, uint32_t mark) {
  nftables::Element row{};
  row.family = std::string_view(from).find(':') == std::string_view::npos ? AF_INET : AF_INET6;
  REQUIRE(inet_pton(row.family, from, row.addressFrom) == 1);
  REQUIRE(inet_pton(row.family, to, row.addressTo) == 1);
  std::fill_n(row.sourceTo, row.family == AF_INET ? 4 : 16, std::byte{0xff});
  row.protocol = protocol;
  row.portFrom = portFrom;
  row.portTo = portTo;
  row.sourcePortTo = UINT16_MAX;
  row.mark = mark;
  row.mask = UINT32_MAX;
  const nftables::Place place = nftables::anyPort(portFrom, portTo) ? nftables::Place::hosts
                                : nftables::isExact(row)            ? nftables::Place::exact
                                                                    : nftables::Place::ranges;
  row.place = static_cast<uint8_t>(place);
  return row;
}

inline void setSource(nftables::Element& row, const char* from, const char* to) {
  REQUIRE(inet_pton(row.family, from, row.sourceFrom) == 1);
  REQUIRE(inet_pton(row.family, to, row.sourceTo) == 1);
}

// A rule in a chain.
inline nftables::Element ruleRow(nftables::Place place = nftables::Place::special) {
  nftables::Element row = markRow("172.16.0.100", "172.16.0.100", 6, 80, 80, 7);
  row.place = static_cast<uint8_t>(place);
  if (place != nftables::Place::special) {
    row.mark = 0;
  }
  return row;
}

template <size_t Size> void setText(char (&target)[Size], std::string_view text) {
  REQUIRE(text.copy(target, Size - 1) == text.size());
}

} // namespace fake
