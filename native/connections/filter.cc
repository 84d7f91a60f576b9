#include "connections/filter.h"

namespace ipvs {

uint32_t fwmarkOf(const Connection& row) { return netlink::networkOrder(netlink::load<uint32_t>(row.virtualAddress)); }

bool EndpointFilter::matches(uint8_t rowFamily, const std::byte (&address)[16], uint16_t rowPort) const {
  if (port && *port != rowPort) {
    return false;
  }
  if (family == AF_UNSPEC) {
    return true;
  }
  return family == rowFamily && std::memcmp(from, address, sizeof from) <= 0 &&
         std::memcmp(address, to, sizeof to) <= 0;
}

bool ConnectionFilter::matches(const Connection& row) const {
  const auto kind = static_cast<ConnectionKind>(row.kind);
  if (templates != Templates::included && (kind == ConnectionKind::connection) == (templates == Templates::only)) {
    return false;
  }
  if (states != 0 && (states >> row.state & 1) == 0) {
    return false;
  }
  if (row.expires < leastExpires || (protocols.any() && !protocols[row.protocol])) {
    return false;
  }
  const bool isMark = kind == ConnectionKind::markPersistence;
  if (fwmark && (!isMark || fwmarkOf(row) != *fwmark)) {
    return false;
  }
  const bool wantsVirtual = virtualEnd.family != AF_UNSPEC || virtualEnd.port;
  return client.matches(row.family, row.client, row.clientPort) &&
         destination.matches(row.destinationFamily, row.destination, row.destinationPort) &&
         (!wantsVirtual || (!isMark && virtualEnd.matches(row.family, row.virtualAddress, row.virtualPort)));
}

} // namespace ipvs
