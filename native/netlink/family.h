// Generic netlink families. The kernel assigns the number when the module loads; it changes when the module is
// reloaded.
#pragma once

#include "netlink/channel.h"

namespace netlink {

// Reads the number of the family `name`. FailureKind::unavailable: no such family. This request loads the module
// (net-pf-16-proto-16-family-IPVS) since Linux 6.1, not on 5.10.
[[nodiscard]] Status resolveFamily(Channel& channel, const char* name, const Control& control, uint16_t& id);

// Opens a message of a generic netlink family. Append attributes, then call batch.end().
[[nodiscard]] Writer beginGeneric(Batch& batch, uint16_t family, uint8_t command, uint16_t flags);

// Command and attributes of a generic netlink message. False: shorter than the header.
[[nodiscard]] bool genericAttributes(const Message& message, uint8_t& command, Bytes& attributes);

} // namespace netlink
