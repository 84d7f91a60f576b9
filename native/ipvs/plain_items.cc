#include "ipvs/plain_items.h"

#include "ipvs/commands.h"
#include "ipvs/item_fields.h"

#include <arpa/inet.h>

#include <algorithm>

namespace ipvs {
namespace {

bool absent(const Cloned& value) { return value.kind == Cloned::Kind::undefined; }

bool is(const Cloned& value, std::string_view text) { return value.kind == Cloned::Kind::text && value.text() == text; }

bool isInteger(const Cloned& value, int64_t least, int64_t most) {
  return value.kind == Cloned::Kind::integer && value.number >= least && value.number <= most;
}

// One that packets can be sent to, from anywhere.
bool isCommon(uint16_t family, const std::byte* bytes) {
  const auto first = static_cast<uint8_t>(bytes[0]);
  return family == AF_INET ? first > 0 && first < 224 : first >= 0x20 && first < 0xfe;
}

// Four decimal numbers without leading zeros. False: something else.
bool readIPv4(std::string_view text, std::byte* bytes) {
  unsigned number = 0;
  unsigned digits = 0;
  size_t index = 0;
  for (const char c : text) {
    if (c == '.') {
      if (digits == 0 || index == 3) {
        return false;
      }
      bytes[index++] = static_cast<std::byte>(number);
      number = digits = 0;
    } else {
      const auto digit = static_cast<unsigned>(c) - '0';
      if (digit > 9 || (digits > 0 && number == 0)) {
        return false;
      }
      number = number * 10 + digit;
      ++digits;
      if (number > 255) {
        return false;
      }
    }
  }
  bytes[index] = static_cast<std::byte>(number);
  return index == 3 && digits > 0;
}

// The text of an address as lib/address.ts takes it. False: unusual.
bool readAddress(const Cloned& value, uint16_t& family, std::byte* bytes) {
  if (value.kind != Cloned::Kind::text) {
    return false;
  }
  const std::string_view text = value.text();
  family = AF_INET;
  if (readIPv4(text, bytes)) {
    return isCommon(family, bytes);
  }
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) {
    return false;
  }
  std::ranges::copy(text, copy.begin());
  family = AF_INET6;
  return inet_pton(AF_INET6, copy.data(), bytes) == 1 && isCommon(family, bytes);
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

bool isModuleName(const Cloned& value) {
  const auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const std::string_view text = value.text();
  return value.kind == Cloned::Kind::text && !text.empty() && text.size() < sizeof(Service::scheduler) &&
         isLetter(text[0]) && std::ranges::all_of(text, [&](char c) { return isLetter(c) || c == '-' || c == '_'; });
}

// A new service without persistence and flags.
bool completeService(const ServiceFields& fields, Service& row) {
  const Cloned& flags = fields[service::schedulerFlags];
  const Cloned& onePacket = fields[service::onePacket];
  const Cloned& scheduler = fields[service::scheduler];
  const bool noFlags = absent(flags) || (flags.kind == Cloned::Kind::list && flags.size == 0);
  const bool allPackets = absent(onePacket) || (onePacket.kind == Cloned::Kind::boolean && onePacket.number == 0);
  const bool all = row.fwmark == 0 && row.port == 0; // for persistent services only
  if (!noFlags || !allPackets || all || !absent(fields[service::persistence]) ||
      !absent(fields[service::persistenceEngine]) || fields.has(service::destinations) ||
      (!absent(scheduler) && !isModuleName(scheduler))) {
    return false;
  }
  std::ranges::copy(absent(scheduler) ? "wlc" : scheduler.text(), row.scheduler);
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

constexpr Cloned directRouting{Cloned::Kind::text, 6, "direct"};

bool readForwarding(const Cloned& value, const Service& service, Destination& row) {
  const bool direct = is(value, "direct");
  const bool tunnel = is(value, "tunnel");
  const bool masquerade = is(value, "masquerade");
  row.forwarding = direct ? IP_VS_CONN_F_DROUTE : tunnel ? IP_VS_CONN_F_TUNNEL : IP_VS_CONN_F_MASQ;
  row.present |= forwardingBit;
  return (direct || tunnel || masquerade) && (masquerade || row.port == service.port) &&
         (tunnel || row.family == service.family);
}

// A weight or a threshold, signed in the kernel. Without a value the row keeps what it has.
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

// The settings that are named.
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
  row.weight = 1;
  row.present |= weightBit | upperBit | lowerBit;
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

// Whether a row is the one before it: the items of one service share it.
bool repeats(std::span<const Service> rows, size_t index) {
  return index > 0 && std::memcmp(&rows[index - 1], &rows[index], sizeof(Service)) == 0;
}

// Makes the rows where they are to be, behind those that count.
bool packItem(const Item& item, std::span<uint32_t, 3> triple, PlainItems& items) {
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
  triple[0] = static_cast<uint32_t>(*operation);
  triple[1] = items.serviceCount - (shares ? 1 : 0);
  triple[2] = 0;
  if (shares) {
    service = {};
  } else {
    ++items.serviceCount;
  }
  if (commandOf(*operation).destination) {
    triple[2] = items.destinationCount++;
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
