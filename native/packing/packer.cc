#include "packing/packer.h"

#include "ipvs/commands.h"
#include "ipvs/settings.h"
#include "packing/item_reader.h"
#include "packing/value_parsers.h"

#include <arpa/inet.h>

#include <algorithm>

// `false` of a function that reads a value or makes a row is no error. It means that the item is not an ordinary one:
// it is unusual or invalid. lib/batch/batch.ts then checks the item, and sends it or reports the error.
namespace ipvs {
namespace {

bool isFamily(const Cloned& value, uint16_t family) {
  return absent(value) || is(value, family == AF_INET ? "ipv4" : "ipv6");
}

// Presence bit of a field by its name. A wrong name does not compile.
template <size_t Count> consteval uint32_t bit(const netlink::Field (&fields)[Count], std::string_view name) {
  for (uint32_t i = 0; i < Count; ++i) {
    if (name == fields[i].name) {
      return 1U << i;
    }
  }
  __builtin_unreachable();
}

consteval uint32_t serviceBit(std::string_view name) { return bit(serviceFields, name); }
consteval uint32_t destinationBit(std::string_view name) { return bit(destinationFields, name); }

constexpr uint32_t markBits = serviceBit("family") | serviceBit("fwmark");
constexpr uint32_t addressBits =
    serviceBit("family") | serviceBit("protocol") | serviceBit("address") | serviceBit("port");
constexpr uint32_t newServiceBits =
    serviceBit("scheduler") | serviceBit("flags") | serviceBit("timeout") | serviceBit("netmask");
constexpr uint32_t placeBits = destinationBit("family") | destinationBit("address") | destinationBit("port");
constexpr uint32_t forwardingBit = destinationBit("forwarding");
constexpr uint32_t tunnelBits =
    destinationBit("tunnelType") | destinationBit("tunnelPort") | destinationBit("tunnelFlags");

bool readMark(const ServiceFields& fields, Service& row) {
  const Cloned& mark = fields[service::fwmark];
  if (!isInteger(mark, 1, UINT32_MAX) || !absent(fields[service::protocol]) || !absent(fields[service::address]) ||
      !absent(fields[service::port])) {
    return false;
  }
  row.fwmark = static_cast<uint32_t>(mark.number);
  row.family = is(fields[service::family], "ipv6") ? AF_INET6 : AF_INET;
  row.present = markBits;
  return isFamily(fields[service::family], row.family);
}

uint16_t protocolOf(const Cloned& value) {
  return is(value, "tcp") ? IPPROTO_TCP : is(value, "udp") ? IPPROTO_UDP : is(value, "sctp") ? IPPROTO_SCTP : 0;
}

bool readServiceKey(const ServiceFields& fields, Service& row) {
  if (!fields.named || fields.unusual) {
    return false;
  }
  if (!absent(fields[service::fwmark])) {
    return readMark(fields, row);
  }
  row.protocol = protocolOf(fields[service::protocol]);
  if (row.protocol == 0 || !isInteger(fields[service::port], 0, UINT16_MAX)) {
    return false;
  }
  row.port = static_cast<uint16_t>(fields[service::port].number);
  row.present = addressBits;
  return readAddress(fields[service::address], row.family, row.address) &&
         isFamily(fields[service::family], row.family);
}

// The granularity of persistence: for IPv4 a mask in network order, for IPv6 a prefix length.
bool readNetmask(const Cloned& value, Service& row) {
  const bool ipv6 = row.family == AF_INET6;
  uint32_t mask = ipv6 ? 128 : UINT32_MAX;
  if (value.kind == Cloned::Kind::text) {
    std::array<std::byte, 4> bytes{};
    if (ipv6 || !readIPv4(value.text(), bytes.data())) {
      return false;
    }
    mask = netlink::load<uint32_t>(bytes.data());
  } else if (!absent(value)) {
    if (!isInteger(value, ipv6 ? 1 : 0, ipv6 ? 128 : 32)) {
      return false;
    }
    const auto length = static_cast<uint32_t>(value.number);
    mask = ipv6 ? length : netlink::networkOrder(length == 0 ? 0 : UINT32_MAX << (32 - length));
  }
  netlink::store(row.netmask, mask);
  return true;
}

bool readPersistence(const PersistenceFields& fields, Service& row) {
  const Cloned& timeout = fields[persistence::timeoutSeconds];
  if (fields.named) {
    row.flags.value = IP_VS_SVC_F_PERSISTENT;
    row.timeout = absent(timeout) ? defaultPersistence : static_cast<uint32_t>(timeout.number);
  }
  return !fields.unusual && (absent(timeout) || isInteger(timeout, 0, mostPersistence)) &&
         readNetmask(fields[persistence::netmask], row);
}

// A new service without flags.
bool completeService(const ItemFields& item, Service& row) {
  const ServiceFields& fields = item.service;
  const Cloned& flags = fields[service::schedulerFlags];
  const Cloned& onePacket = fields[service::onePacket];
  const Cloned& scheduler = fields[service::scheduler];
  const bool noFlags = absent(flags) || (flags.kind == Cloned::Kind::list && flags.size == 0);
  const bool allPackets = absent(onePacket) || (onePacket.kind == Cloned::Kind::boolean && onePacket.number == 0);
  row.flags.mask = UINT32_MAX;
  if (!noFlags || !allPackets || !absent(fields[service::persistenceEngine]) ||
      (!absent(scheduler) && !isModuleName(scheduler, sizeof row.scheduler)) ||
      !readPersistence(item.persistence, row)) {
    return false;
  }
  std::ranges::copy(absent(scheduler) ? "wlc" : scheduler.text(), row.scheduler);
  row.present |= newServiceBits;
  return true;
}

// lib/services/destination.ts, destinationIdentity(), has the same check of the port for single calls.
bool readDestinationKey(const DestinationFields& fields, const Service& service, Destination& row) {
  const Cloned& port = fields[destination::port];
  if (!fields.named || fields.unusual || (!absent(port) && !isInteger(port, 0, UINT16_MAX))) {
    return false;
  }
  row.port = absent(port) ? service.port : static_cast<uint16_t>(port.number);
  row.present = placeBits;
  return readAddress(fields[destination::address], row.family, row.address);
}

constexpr Cloned directRouting{Cloned::Kind::text, 6, "direct"};

bool readForwarding(const Cloned& value, const Service& service, Destination& row) {
  const bool direct = is(value, "direct");
  const bool tunnel = is(value, "tunnel");
  const bool masquerade = is(value, "masquerade");
  row.forwarding = direct ? IP_VS_CONN_F_DROUTE : tunnel ? IP_VS_CONN_F_TUNNEL : IP_VS_CONN_F_MASQ;
  row.present |= forwardingBit;
  return (direct || tunnel || masquerade) && (tunnel || row.family == service.family);
}

// A weight or a threshold, signed in the kernel. An absent value leaves the row unchanged.
template <uint32_t presence> bool readNumber(const Cloned& value, uint32_t& number, Destination& row) {
  if (absent(value)) {
    return true;
  }
  number = static_cast<uint32_t>(value.number);
  row.present |= presence;
  return isInteger(value, 0, INT32_MAX);
}

constexpr uint32_t weightBit = destinationBit("weight");
constexpr uint32_t upperBit = destinationBit("upperThreshold");
constexpr uint32_t lowerBit = destinationBit("lowerThreshold");

// Reads the settings that are present.
bool readSettings(const DestinationFields& fields, const Service& service, Destination& row) {
  const Cloned& forwarding = fields[destination::forwarding];
  constexpr uint32_t thresholds = upperBit | lowerBit;
  return absent(fields[destination::tunnel]) && (absent(forwarding) || readForwarding(forwarding, service, row)) &&
         readNumber<weightBit>(fields[destination::weight], row.weight, row) &&
         readNumber<upperBit>(fields[destination::upperThreshold], row.upperThreshold, row) &&
         readNumber<lowerBit>(fields[destination::lowerThreshold], row.lowerThreshold, row) &&
         ((row.present & thresholds) != thresholds || row.lowerThreshold <= row.upperThreshold);
}

bool completeDestination(const DestinationFields& fields, const Service& service, Destination& row) {
  row.weight = defaultWeight;
  row.present |= weightBit | upperBit | lowerBit;
  // The default is direct routing, which cannot change the port.
  const bool direct = !absent(fields[destination::forwarding]) ||
                      (row.port == service.port && readForwarding(directRouting, service, row));
  return direct && readSettings(fields, service, row);
}

// Reads the changed fields. A forwarding method other than tunnel resets the tunnel options.
bool readPatch(const DestinationFields& fields, const Service& service, Destination& row) {
  if (fields.unusual || !absent(fields[destination::address]) || !absent(fields[destination::port])) {
    return false;
  }
  const Cloned& forwarding = fields[destination::forwarding];
  row.present |= absent(forwarding) || is(forwarding, "tunnel") ? 0 : tunnelBits;
  return readSettings(fields, service, row);
}

std::optional<Operation> operationOf(const Cloned& name) {
  constexpr std::array operations{Operation::addService, Operation::addDestination, Operation::updateDestination,
                                  Operation::removeService, Operation::removeDestination};
  constexpr std::array<std::string_view, operations.size()> names{
      commandOf(operations[0]).name, commandOf(operations[1]).name, commandOf(operations[2]).name,
      commandOf(operations[3]).name, commandOf(operations[4]).name};
  for (size_t i = 0; i < names.size(); ++i) {
    if (is(name, names[i])) {
      return operations[i];
    }
  }
  return std::nullopt;
}

bool makeRows(Operation operation, const ItemFields& item, Service& service, Destination& destination) {
  const bool patches = operation == Operation::updateDestination;
  if (item.destination.named != commandOf(operation).destination || item.patch.named != patches ||
      !readServiceKey(item.service, service)) {
    return false;
  }
  switch (operation) {
  case Operation::addService:
    return completeService(item, service);
  case Operation::removeService:
    return true;
  case Operation::addDestination:
    return readDestinationKey(item.destination, service, destination) &&
           completeDestination(item.destination, service, destination);
  case Operation::updateDestination:
    return readDestinationKey(item.destination, service, destination) && readPatch(item.patch, service, destination);
  default:
    return readDestinationKey(item.destination, service, destination);
  }
}

// True if a row equals the one before it: consecutive items of one service share a row. Ignores statistics, which
// requests do not have.
bool repeats(std::span<const Service> rows, size_t index) {
  const auto bytes = [&rows](size_t at) { return reinterpret_cast<const std::byte*>(&rows[at]); };
  return index > 0 && std::memcmp(bytes(index - 1), bytes(index), offsetof(Service, statistics)) == 0;
}

// Writes the rows of an item behind the rows counted so far.
bool packItem(const ItemFields& item, Triple& triple, PlainItems& items) {
  Service& service = items.services[items.serviceCount];
  Destination& destination = items.destinations[items.destinationCount];
  service = {};
  destination = {};
  const std::optional<Operation> operation = operationOf(item.operation);
  if (item.unusual || !operation || !makeRows(*operation, item, service, destination)) {
    service = {}; // may be the last item
    destination = {};
    return false;
  }
  const bool shares = repeats(items.services, items.serviceCount);
  triple.operation = static_cast<uint32_t>(*operation);
  triple.row = items.serviceCount - (shares ? 1 : 0);
  triple.destination = 0;
  if (shares) {
    service = {};
  } else {
    ++items.serviceCount;
  }
  if (commandOf(*operation).destination) {
    triple.destination = items.destinationCount++;
  }
  return true;
}

} // namespace

void packItems(std::span<const std::byte> serialized, PlainItems& items) {
  CloneReader reader(serialized);
  const size_t count = items.triples.size();
  bool whole = reader.open() == count;
  ItemFields item;
  for (size_t i = 0; i < count; ++i) {
    Triple& triple = items.triples[i];
    whole = whole && readItem(reader, item);
    if (!whole || !packItem(item, triple, items)) {
      triple.operation = unusualItem;
      ++items.unusual;
    }
  }
}

} // namespace ipvs
