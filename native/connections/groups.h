// How many connections there are of each kind.
#pragma once

#include "connections/connection.h"
#include "netlink/named.h"

#include <span>
#include <vector>

namespace ipvs {

// What to group by, as bits.
enum class GroupField : uint8_t {
  client = 1,       // address
  clientSubnet = 2, // its /24 (IPv4) or /64 (IPv6)
  virtualEnd = 4,   // address and port; templates of marks have none
  fwmark = 8,       // of templates of marks; others have none
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
  // One row for each group: what was not grouped by is zero.
  std::vector<Connection> rows;
  std::vector<uint32_t> counts;
};

// The largest groups first, `most` of them.
[[nodiscard]] Groups groupConnections(std::span<const std::span<const Connection>> blocks, uint8_t fields, size_t most);

} // namespace ipvs
