// Bounds and defaults of services and destinations, exported to JavaScript, which validates items as well.
#pragma once

#include "netlink/named.h"

namespace ipvs {

// Persistence timeout in seconds. The kernel has no default, and counts up to 1000 ticks per second in 32 bits.
inline constexpr uint32_t defaultPersistence = 360;
inline constexpr uint32_t mostPersistence = UINT32_MAX / 1000;

// Weight of destinations, signed in the kernel.
inline constexpr uint32_t defaultWeight = 1;
inline constexpr uint32_t mostWeight = INT32_MAX;

inline constexpr netlink::Named settingNames[] = {{"defaultPersistence", defaultPersistence},
                                                  {"mostPersistence", mostPersistence},
                                                  {"defaultWeight", defaultWeight},
                                                  {"mostWeight", mostWeight}};

} // namespace ipvs
