// A generic netlink family: its number is given out by the kernel when the module loads, and changes when it is
// reloaded.
#pragma once

#include "netlink/channel.h"

namespace netlink {

// Asks the kernel for the number of the family `name`. Cause::unavailable when there is none; kernels from 6.1 load the
// module for this question (net-pf-16-proto-16-family-IPVS), 5.10 does not.
[[nodiscard]] Status resolveFamily(Channel& channel, const char* name, const Control& control, uint16_t& id);

// Opens a message of a generic netlink family.
[[nodiscard]] Writer beginGeneric(Batch& batch, uint16_t family, uint8_t command, uint16_t flags);

// The attributes of a generic netlink message; false when it is too short to have any.
[[nodiscard]] bool genericAttributes(const Message& message, uint8_t& command, Bytes& attributes);

} // namespace netlink
