#include "ipvs/plain_items.h"

#include "ipvs/commands.h"
#include "ipvs/item_fields.h"

#include <arpa/inet.h>

#include <algorithm>

namespace ipvs {
namespace {

bool absent(const Cloned& value) { return value.kind == Cloned::Kind::undefined; }

bool is(const Cloned& value, std::string_view text) { return value.kind == Cloned::Kind::text && value.text == text; }

bool isInteger(const Cloned& value, int64_t least, int64_t most) {
  return value.kind == Cloned::Kind::integer && value.number >= least && value.number <= most;
}

// One that packets can be sent to, from anywhere.
bool isCommon(uint16_t family, const std::byte* bytes) {
  const auto first = static_cast<uint8_t>(bytes[0]);
  return family == AF_INET ? first > 0 && first < 224 : first >= 0x20 && first < 0xfe;
}

// The text of an address as lib/address.ts takes it. False: unusual.
bool readAddress(const Cloned& value, uint16_t& family, std::byte* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (value.kind != Cloned::Kind::text || value.text.size() >= text.size() ||
      value.text.find('\0') != std::string_view::npos) {
    return false;
  }
  std::ranges::copy(value.text, text.begin());
  family = value.text.find(':') == std::string_view::npos ? AF_INET : AF_INET6;
  return inet_pton(family, text.data(), bytes) == 1 && isCommon(family, bytes);
}

bool isFamily(const Cloned& value, uint16_t family) {
  return absent(value) || is(value, family == AF_INET ? "ipv4" : "ipv6");
}

// Presence bits by the names of fields.
template <size_t Count> constexpr uint32_t bit(const netlink::Field (&fields)[Count], std::string_view name) {
  for (uint32_t i = 0; i < Count; ++i) {
    if (name == fields[i].name) {
      return 1U << i;
    }
  }
  return 0;
}

constexpr uint32_t serviceBit(std::string_view name) { return bit(serviceFields, name); }
constexpr uint32_t destinationBit(std::string_view name) { return bit(destinationFields, name); }

constexpr uint32_t markBits = serviceBit("family") | serviceBit("fwmark");
constexpr uint32_t addressBits =
    serviceBit("family") | serviceBit("protocol") | serviceBit("address") | serviceBit("port");
constexpr uint32_t newServiceBits =
    serviceBit("scheduler") | serviceBit("flags") | serviceBit("timeout") | serviceBit("netmask");
constexpr uint32_t placeBits = destinationBit("family") | destinationBit("address") | destinationBit("port");
constexpr uint32_t newDestinationBits =
    destinationBit("weight") | destinationBit("upperThreshold") | destinationBit("lowerThreshold");
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

bool isModuleName(const Cloned& value) {
  const auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const std::string_view text = value.text;
  return value.kind == Cloned::Kind::text && !text.empty() && text.size() < sizeof(Service::scheduler) &&
         isLetter(text[0]) && std::ranges::all_of(text, [&](char c) { return isLetter(c) || c == '-' || c == '_'; });
}

// A new service without persistence and flags.
bool completeService(const ServiceFields& fields, Service& row) {
  const Cloned& flags = fields[service::schedulerFlags];
  const Cloned& onePacket = fields[service::onePacket];
  const Cloned& scheduler = fields[service::scheduler];
  const bool noFlags = absent(flags) || (flags.kind == Cloned::Kind::list && flags.number == 0);
  const bool allPackets = absent(onePacket) || (onePacket.kind == Cloned::Kind::boolean && onePacket.number == 0);
  const bool all = row.fwmark == 0 && row.port == 0; // for persistent services only
  if (!noFlags || !allPackets || all || !absent(fields[service::persistence]) ||
      !absent(fields[service::persistenceEngine]) || fields.has(service::destinations) ||
      (!absent(scheduler) && !isModuleName(scheduler))) {
    return false;
  }
  std::ranges::copy(absent(scheduler) ? "wlc" : scheduler.text, row.scheduler);
  row.flags = {0, UINT32_MAX};
  const uint32_t netmask = row.family == AF_INET6 ? 128 : UINT32_MAX;
  std::memcpy(row.netmask, &netmask, sizeof netmask);
  row.present |= newServiceBits;
  return true;
}

bool readDestinationKey(const DestinationFields& fields, const Service& service, Destination& row) {
  const Cloned& port = fields[destination::port];
  if (!fields.named || fields.unusual || (!absent(port) && !isInteger(port, 0, UINT16_MAX))) {
    return false;
  }
  row.port = absent(port) ? service.port : static_cast<uint16_t>(port.number);
  row.present = placeBits;
  return readAddress(fields[destination::address], row.family, row.address);
}

constexpr Cloned directRouting{.kind = Cloned::Kind::text, .text = "direct"};

bool readForwarding(const Cloned& value, const Service& service, Destination& row) {
  const bool direct = is(value, "direct");
  const bool tunnel = is(value, "tunnel");
  const bool masquerade = is(value, "masquerade");
  row.forwarding = direct ? IP_VS_CONN_F_DROUTE : tunnel ? IP_VS_CONN_F_TUNNEL : IP_VS_CONN_F_MASQ;
  row.present |= destinationBit("forwarding");
  return (direct || tunnel || masquerade) && (masquerade || row.port == service.port) &&
         (tunnel || row.family == service.family);
}

// A weight or a threshold, signed in the kernel.
bool readNumber(const Cloned& value, uint32_t presence, uint32_t& number, uint32_t& present) {
  if (absent(value)) {
    return true;
  }
  number = static_cast<uint32_t>(value.number);
  present |= presence;
  return isInteger(value, 0, INT32_MAX);
}

// The settings that are named. Fields without a value keep what the row has.
bool readSettings(const DestinationFields& fields, const Service& service, Destination& row) {
  const auto number = [&](destination::Name name, uint32_t& value) {
    return readNumber(fields[name], destinationBit(destination::names[name]), value, row.present);
  };
  const Cloned& forwarding = fields[destination::forwarding];
  constexpr uint32_t thresholds = destinationBit("upperThreshold") | destinationBit("lowerThreshold");
  return absent(fields[destination::tunnel]) && (absent(forwarding) || readForwarding(forwarding, service, row)) &&
         number(destination::weight, row.weight) && number(destination::upperThreshold, row.upperThreshold) &&
         number(destination::lowerThreshold, row.lowerThreshold) &&
         ((row.present & thresholds) != thresholds || row.lowerThreshold <= row.upperThreshold);
}

bool completeDestination(const DestinationFields& fields, const Service& service, Destination& row) {
  row.weight = 1;
  row.present |= newDestinationBits;
  // Nothing said of forwarding means direct routing, with what that needs.
  const bool direct = !absent(fields[destination::forwarding]) || readForwarding(directRouting, service, row);
  return direct && readSettings(fields, service, row);
}

// What changes. Other ways of forwarding than tunnels end the tunnel's options.
bool readPatch(const DestinationFields& fields, const Service& service, Destination& row) {
  if (fields.unusual || !absent(fields[destination::address]) || !absent(fields[destination::port])) {
    return false;
  }
  const Cloned& forwarding = fields[destination::forwarding];
  row.present |= absent(forwarding) || is(forwarding, "tunnel") ? 0 : tunnelBits;
  return readSettings(fields, service, row);
}

std::optional<Operation> operationOf(const Cloned& name) {
  for (const Operation operation : {Operation::addService, Operation::removeService, Operation::addDestination,
                                    Operation::updateDestination, Operation::removeDestination}) {
    if (is(name, commandOf(operation).name)) {
      return operation;
    }
  }
  return std::nullopt;
}

bool makeRows(Operation operation, const Item& item, Service& service, Destination& destination) {
  const bool patches = operation == Operation::updateDestination;
  if (item.destination.named != commandOf(operation).destination || item.patch.named != patches ||
      !readServiceKey(item.service, service)) {
    return false;
  }
  switch (operation) {
  case Operation::addService:
    return completeService(item.service, service);
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

// The items of one service share its row.
uint32_t serviceRow(const Service& row, PlainItems& items) {
  const uint32_t count = items.serviceCount;
  if (count == 0 || std::memcmp(&items.services[count - 1], &row, sizeof row) != 0) {
    items.services[items.serviceCount++] = row;
  }
  return items.serviceCount - 1;
}

bool packItem(const Item& item, std::span<uint32_t, 3> triple, PlainItems& items) {
  const std::optional<Operation> operation = operationOf(item.operation);
  Service service{};
  Destination destination{};
  if (item.unusual || !operation || !makeRows(*operation, item, service, destination)) {
    return false;
  }
  triple[0] = static_cast<uint32_t>(*operation);
  triple[1] = serviceRow(service, items);
  triple[2] = 0;
  if (commandOf(*operation).destination) {
    triple[2] = items.destinationCount;
    items.destinations[items.destinationCount++] = destination;
  }
  return true;
}

} // namespace

void packItems(std::span<const std::byte> serialized, PlainItems& items) {
  CloneReader reader(serialized);
  const size_t count = items.triples.size() / 3;
  bool whole = reader.open() == count;
  Item item;
  for (size_t i = 0; i < count; ++i) {
    const std::span<uint32_t, 3> triple(items.triples.subspan(i * 3).first<3>());
    whole = whole && readItem(reader, item);
    if (!whole || !packItem(item, triple, items)) {
      triple[0] = unusualItem;
      ++items.unusual;
    }
  }
}

} // namespace ipvs
