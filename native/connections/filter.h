// Filter for connections. Applied to every line: other lines do not become rows.
#pragma once

#include "connections/connection.h"

#include <bitset>

namespace ipvs {

enum class Templates : uint8_t { included, excluded, only };
inline constexpr netlink::Named templatesNames[] = {netlink::named("included", Templates::included),
                                                    netlink::named("excluded", Templates::excluded),
                                                    netlink::named("only", Templates::only)};

// Addresses from `from` to `to` (inclusive) of one family; AF_UNSPEC: all addresses. No port: all ports.
struct EndpointFilter {
  uint8_t family = AF_UNSPEC;
  std::byte from[16]{};
  std::byte to[16]{};
  std::optional<uint16_t> port;

  bool operator==(const EndpointFilter&) const = default;
  [[nodiscard]] bool matches(uint8_t rowFamily, const std::byte (&address)[16], uint16_t rowPort) const;
};

struct ConnectionFilter {
  std::bitset<256> protocols; // empty: all
  uint32_t states = 0;        // bit by state; 0: all
  EndpointFilter client;
  EndpointFilter virtualEnd; // never matches templates of fwmark services, which have no virtual address
  EndpointFilter destination;
  std::optional<uint32_t> fwmark; // matches only templates of fwmark services
  Templates templates = Templates::included;
  uint32_t leastExpires = 0;

  bool operator==(const ConnectionFilter&) const = default;
  [[nodiscard]] bool matches(const Connection& row) const;
};

// The mark of a template of a fwmark service.
[[nodiscard]] uint32_t fwmarkOf(const Connection& row);

} // namespace ipvs
