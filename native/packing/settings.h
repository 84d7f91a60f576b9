// Bounds and defaults of items. JavaScript, which checks items as well, takes them from the addon.
#pragma once

#include "netlink/named.h"

namespace ipvs {

// Of persistence, in seconds. The kernel has no default and counts ticks in 32 bits, 1000 a second at most.
inline constexpr uint32_t defaultPersistence = 360;
inline constexpr uint32_t mostPersistence = UINT32_MAX / 1000;

// Of destinations. Weights are signed in the kernel.
inline constexpr uint32_t defaultWeight = 1;
inline constexpr uint32_t mostWeight = INT32_MAX;

inline constexpr netlink::Named settingNames[] = {{"defaultPersistence", defaultPersistence},
                                                  {"mostPersistence", mostPersistence},
                                                  {"defaultWeight", defaultWeight},
                                                  {"mostWeight", mostWeight}};

} // namespace ipvs
