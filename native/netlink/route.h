// What the kernel's routing makes of a destination.
#pragma once

#include "netlink/channel.h"

namespace netlink {

struct Route {
  uint8_t type = 0;       // RTN_LOCAL, RTN_UNICAST...; RTN_UNREACHABLE where there is no route
  uint32_t interface = 0; // its index; 0: none
};

// `family`: AF_INET, AF_INET6; `mark`: of the packet, which rules of routing may ask for. The channel's socket is one
// of NETLINK_ROUTE.
[[nodiscard]] Status readRoute(Channel& channel, const Control& control, uint8_t family, Bytes address, uint32_t mark,
                               Route& route);

} // namespace netlink
