// The rows of our table. A row is an element of a map, or a rule in a chain if no map can express it.
#pragma once

#include "netlink/named.h"
#include "netlink/record.h"
#include "nftables/prefix.h"

#include <net/if.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_tables.h>

namespace nftables {

// The location of a row: the first six are maps, one per address family (maps.h); the last three are chains.
enum class Place : uint8_t {
  exact,  // one address, one port: hash map
  ranges, // ranges of addresses and ports
  hosts,  // ranges of addresses, all ports; one protocol or all
  countedExact,
  countedRanges,
  countedHosts,
  special, // with a source, an interface or a mask
  srcnat,  // masquerade
  dstnat,  // redirect
};
inline constexpr size_t placeCount = 9;
inline constexpr netlink::Named placeNames[] = {netlink::named("exact", Place::exact),
                                                netlink::named("ranges", Place::ranges),
                                                netlink::named("hosts", Place::hosts),
                                                netlink::named("countedExact", Place::countedExact),
                                                netlink::named("countedRanges", Place::countedRanges),
                                                netlink::named("countedHosts", Place::countedHosts),
                                                netlink::named("special", Place::special),
                                                netlink::named("srcnat", Place::srcnat),
                                                netlink::named("dstnat", Place::dstnat)};
static_assert(std::size(placeNames) == placeCount);
inline constexpr uint8_t firstChain = static_cast<uint8_t>(Place::special);

struct Element {
  uint32_t present;
  uint32_t mark; // set on packets; unused in the chains for NAT
  uint64_t rule; // id shared by the elements of one rule; 0: not created by us (with nft, for instance)
  uint64_t handle;
  uint64_t packets;
  uint64_t bytes;
  std::byte addressFrom[16]; // of the destination; network order; IPv4 in the first four
  std::byte addressTo[16];   // inclusive
  std::byte sourceFrom[16];
  std::byte sourceTo[16];
  uint32_t mask; // bits of the packet's mark that are replaced
  uint16_t family;
  uint16_t protocol; // 0: all
  uint16_t portFrom;
  uint16_t portTo; // inclusive; 0 to 65535: also packets without ports
  uint16_t sourcePortFrom;
  uint16_t sourcePortTo;
  uint16_t targetPort; // of redirect; 0: the packet's own
  uint8_t place;
  uint8_t counter;          // 1: counts packets and bytes
  char interface[IFNAMSIZ]; // "eth*": all names with this prefix; empty: any
  char comment[129];        // nft allows 128 characters
};

// These numbers only identify the fields; they are not netlink attributes. An element of nf_tables has a key, data and
// user data, each a concatenation of several members, and a rule is a list of expressions: see elements.cc and
// rules.cc.
enum ElementPart : uint8_t {
  ELEMENT_MARK = 1,
  ELEMENT_RULE,
  ELEMENT_HANDLE,
  ELEMENT_PACKETS,
  ELEMENT_BYTES,
  ELEMENT_ADDRESS_FROM,
  ELEMENT_ADDRESS_TO,
  ELEMENT_SOURCE_FROM,
  ELEMENT_SOURCE_TO,
  ELEMENT_MASK,
  ELEMENT_FAMILY,
  ELEMENT_PROTOCOL,
  ELEMENT_PORT_FROM,
  ELEMENT_PORT_TO,
  ELEMENT_SOURCE_PORT_FROM,
  ELEMENT_SOURCE_PORT_TO,
  ELEMENT_TARGET_PORT,
  ELEMENT_PLACE,
  ELEMENT_COUNTER,
  ELEMENT_INTERFACE,
  ELEMENT_COMMENT,
};

inline constexpr netlink::Field elementFields[] = {
    NETLINK_FIELD(Element, mark, u32, ELEMENT_MARK, "Firewall mark set on packets."),
    NETLINK_FIELD(Element, rule, u64, ELEMENT_RULE, "Id of the rule it belongs to; 0: not created by us."),
    NETLINK_FIELD(Element, handle, u64, ELEMENT_HANDLE, "Handle of a rule in a chain; 0 in maps."),
    NETLINK_FIELD(Element, packets, u64, ELEMENT_PACKETS, "Packets counted."),
    NETLINK_FIELD(Element, bytes, u64, ELEMENT_BYTES, "Bytes counted, IP headers included."),
    NETLINK_FIELD(Element, addressFrom, bytes, ELEMENT_ADDRESS_FROM, "First destination address."),
    NETLINK_FIELD(Element, addressTo, bytes, ELEMENT_ADDRESS_TO, "Last destination address."),
    NETLINK_FIELD(Element, sourceFrom, bytes, ELEMENT_SOURCE_FROM, "First source address."),
    NETLINK_FIELD(Element, sourceTo, bytes, ELEMENT_SOURCE_TO, "Last source address."),
    NETLINK_FIELD(Element, mask, u32, ELEMENT_MASK, "Bits of the packet's mark that are replaced."),
    NETLINK_FIELD(Element, family, u16, ELEMENT_FAMILY, "2 (IPv4) or 10 (IPv6)."),
    NETLINK_FIELD(Element, protocol, u16, ELEMENT_PROTOCOL, "6 (tcp), 17 (udp) or 132 (sctp); 0: all."),
    NETLINK_FIELD(Element, portFrom, u16, ELEMENT_PORT_FROM, "First destination port."),
    NETLINK_FIELD(Element, portTo, u16, ELEMENT_PORT_TO, "Last destination port; 0 to 65535: also without ports."),
    NETLINK_FIELD(Element, sourcePortFrom, u16, ELEMENT_SOURCE_PORT_FROM, "First source port."),
    NETLINK_FIELD(Element, sourcePortTo, u16, ELEMENT_SOURCE_PORT_TO, "Last source port."),
    NETLINK_FIELD(Element, targetPort, u16, ELEMENT_TARGET_PORT, "Port of a redirect; 0: the packet's own."),
    NETLINK_FIELD(Element, place, u8, ELEMENT_PLACE,
                  "0 exact, 1 ranges, 2 hosts, 3 to 5 the same counted (maps), 6 special, 7 srcnat, 8 dstnat."),
    NETLINK_FIELD(Element, counter, u8, ELEMENT_COUNTER, "1: packets and bytes are counted."),
    NETLINK_FIELD(Element, interface, text, ELEMENT_INTERFACE, "Input interface; a trailing * matches any suffix."),
    NETLINK_FIELD(Element, comment, text, ELEMENT_COMMENT, "Comment as in nft, at most 128 bytes."),
};
inline constexpr netlink::Record elementRecord{"element", sizeof(Element), 0, elementFields};
static_assert(netlink::wellFormed(elementRecord));
inline constexpr uint32_t elementPresent = (1U << std::size(elementFields)) - 1;

inline bool isRule(const Element& element) { return element.place >= firstChain; }

// True for a single address and port: a key of the hash map.
inline bool isExact(const Element& element) {
  return element.portFrom == element.portTo &&
         std::memcmp(element.addressFrom, element.addressTo, sizeof element.addressFrom) == 0;
}

// True for rules with a source or an interface, which take precedence over rules without.
inline bool isQualified(const Element& element) {
  const size_t length = element.family == AF_INET ? 4 : 16;
  return element.interface[0] != '\0' || prefixOf(element.sourceFrom, element.sourceTo, length) != size_t{0};
}

inline bool anyPort(uint16_t from, uint16_t to) { return from == 0 && to == UINT16_MAX; }

} // namespace nftables
