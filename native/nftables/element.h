// A row of the mark map: packets of `protocol` to an address and a port within these bounds get `mark`.
#pragma once

#include "netlink/record.h"

#include <linux/netfilter/nf_tables.h>

namespace nftables {

struct Element {
  uint32_t present;
  uint32_t mark;
  uint64_t rule;             // elements of one rule share it; 0: made by somebody else, with nft for instance
  std::byte addressFrom[16]; // network order; IPv4 in the first four
  std::byte addressTo[16];   // inclusive
  uint16_t family;
  uint16_t protocol;
  uint16_t portFrom;
  uint16_t portTo; // inclusive
  uint8_t interval;
  char comment[129]; // nft takes 128 characters
};

// An element of nf_tables is keys, data and user data, each a concatenation of several of these members: no member has
// an attribute of its own. These numbers only tell the fields apart; elements.cc knows the kernel's side.
enum ElementPart : uint8_t {
  ELEMENT_MARK = 1,
  ELEMENT_RULE,
  ELEMENT_ADDRESS_FROM,
  ELEMENT_ADDRESS_TO,
  ELEMENT_FAMILY,
  ELEMENT_PROTOCOL,
  ELEMENT_PORT_FROM,
  ELEMENT_PORT_TO,
  ELEMENT_INTERVAL,
  ELEMENT_COMMENT,
};

inline constexpr netlink::Field elementFields[] = {
    NETLINK_FIELD(Element, mark, u32, ELEMENT_MARK, "Firewall mark that packets get."),
    NETLINK_FIELD(Element, rule, u64, ELEMENT_RULE, "Id of the rule it belongs to; 0: somebody else's."),
    NETLINK_FIELD(Element, addressFrom, bytes, ELEMENT_ADDRESS_FROM, "First destination address."),
    NETLINK_FIELD(Element, addressTo, bytes, ELEMENT_ADDRESS_TO, "Last destination address."),
    NETLINK_FIELD(Element, family, u16, ELEMENT_FAMILY, "2 (IPv4) or 10 (IPv6)."),
    NETLINK_FIELD(Element, protocol, u16, ELEMENT_PROTOCOL, "6 (tcp), 17 (udp) or 132 (sctp)."),
    NETLINK_FIELD(Element, portFrom, u16, ELEMENT_PORT_FROM, "First destination port."),
    NETLINK_FIELD(Element, portTo, u16, ELEMENT_PORT_TO, "Last destination port."),
    NETLINK_FIELD(Element, interval, u8, ELEMENT_INTERVAL, "1: listed in (or meant for) the interval map."),
    NETLINK_FIELD(Element, comment, text, ELEMENT_COMMENT, "As nft shows it, at most 128 bytes."),
};
inline constexpr netlink::Record elementRecord{"element", sizeof(Element), 0, elementFields};
static_assert(netlink::wellFormed(elementRecord));

// True when all of it can be a single key of the hash map.
inline bool isExact(const Element& element) {
  return element.portFrom == element.portTo &&
         std::memcmp(element.addressFrom, element.addressTo, sizeof element.addressFrom) == 0;
}

} // namespace nftables
