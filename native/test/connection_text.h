// The kernel's side of the connection table: prints rows as ip_vs_conn_seq_show() does.
#pragma once

#include "connections/filter.h"
#include "connections/line.h"

#include <cstdio>
#include <string>

namespace text {

inline std::string address(const std::byte* bytes, uint8_t family) {
  std::string printed;
  char digits[8];
  for (int i = 0; i < (family == AF_INET6 ? 16 : 4); ++i) {
    const char* format = family == AF_INET6 ? (i > 0 && i % 2 == 0 ? ":%02x" : "%02x") : "%02X";
    std::snprintf(digits, sizeof digits, format, static_cast<unsigned>(bytes[i]));
    printed += digits;
  }
  return printed;
}

inline std::string protocol(uint8_t number) {
  switch (number) {
  case IPPROTO_IP:
    return "IP ";
  case IPPROTO_TCP:
    return "TCP";
  case IPPROTO_UDP:
    return "UDP";
  case IPPROTO_SCTP:
    return "SCTP";
  case IPPROTO_ICMP:
    return "ICMP";
  case IPPROTO_ICMPV6:
    return "ICMPv6";
  default:
    return "IP_" + std::to_string(number);
  }
}

// `engine`: "name data", or empty.
inline std::string line(const ipvs::Connection& row, ipvs::ConnectionFile file, ipvs::EngineText engine = {}) {
  char port[3][8];
  std::snprintf(port[0], sizeof port[0], "%04X", row.clientPort);
  std::snprintf(port[1], sizeof port[1], "%04X", row.virtualPort);
  std::snprintf(port[2], sizeof port[2], "%04X", row.destinationPort);
  char tail[64];
  const std::string state(ipvs::stateNames[row.state]);
  if (file == ipvs::ConnectionFile::plain) {
    std::snprintf(tail, sizeof tail, "%-11s %7u", state.c_str(), row.expires);
  } else {
    const char* origin = row.origin == static_cast<uint8_t>(ipvs::Origin::local) ? "LOCAL" : "SYNC";
    std::snprintf(tail, sizeof tail, "%-11s %-6s %7u", state.c_str(), origin, row.expires);
  }
  std::string whole = protocol(row.protocol) + " " + address(row.client, row.family) + " " + port[0] + " " +
                      address(row.virtualAddress, row.family) + " " + port[1] + " " +
                      address(row.destination, row.destinationFamily) + " " + port[2] + " " + tail;
  if (!engine.empty()) {
    whole += " ";
    whole += engine;
  }
  return whole + "\n";
}

// The result of parsing a text, which is padded by lineSlack.
struct Parsed {
  bool ok;
  ipvs::Connection row;
  std::string engine;
  size_t length; // of the line
};

inline Parsed parse(std::string_view given, ipvs::ConnectionFile file = ipvs::ConnectionFile::plain) {
  std::string padded(given);
  padded.resize(given.size() + ipvs::lineSlack);
  Parsed parsed{};
  ipvs::EngineText engine;
  const char* after = ipvs::parseConnection(padded.data(), padded.data() + given.size(), file, parsed.row, engine);
  parsed.ok = after != nullptr;
  parsed.engine = engine;
  parsed.length = parsed.ok ? static_cast<size_t>(after - padded.data()) : 0;
  return parsed;
}

} // namespace text
