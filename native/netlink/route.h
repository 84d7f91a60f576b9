// Route lookups.
#pragma once

#include "netlink/channel.h"

namespace netlink {

struct Route {
  uint8_t type = 0;       // RTN_LOCAL, RTN_UNICAST...; RTN_UNREACHABLE: no route
  uint32_t interface = 0; // index of the output interface; 0: none
};

// Looks up the route to `address`. `family`: AF_INET or AF_INET6. `mark`: firewall mark of the packet, for policy
// routing. The channel must use NETLINK_ROUTE.
[[nodiscard]] Status readRoute(Channel& channel, const Control& control, uint8_t family, Bytes address, uint32_t mark,
                               Route& route);

} // namespace netlink
