// Counts connections by group.
#pragma once

#include "connections/connection.h"
#include "netlink/named.h"

#include <span>
#include <vector>

namespace ipvs {

// Columns to group by, as bits.
enum class GroupField : uint8_t {
  client = 1,       // address
  clientSubnet = 2, // /24 (IPv4) or /64 (IPv6) of the address
  virtualEnd = 4,   // address and port; none for templates of fwmark services
  fwmark = 8,       // only for templates of fwmark services
  destination = 16, // address and port
  state = 32,
  protocol = 64,
};

inline constexpr netlink::Named groupFieldNames[] = {
    netlink::named("client", GroupField::client),           netlink::named("clientSubnet", GroupField::clientSubnet),
    netlink::named("virtual", GroupField::virtualEnd),      netlink::named("fwmark", GroupField::fwmark),
    netlink::named("destination", GroupField::destination), netlink::named("state", GroupField::state),
    netlink::named("protocol", GroupField::protocol)};

struct Groups {
  // One row per group; columns that were not grouped by are zero.
  std::vector<Connection> rows;
  std::vector<uint32_t> counts;
};

// The `most` largest groups, in descending order.
[[nodiscard]] Groups groupConnections(std::span<const std::span<const Connection>> blocks, uint8_t fields, size_t most);

} // namespace ipvs
