// The shape of our table: three chains and up to four maps, each looked up by one rule.
//
//   table inet ipvs {
//       map exact4 { type ipv4_addr . inet_proto . inet_service : mark; }
//       map ranges4 { type ipv4_addr . inet_proto . inet_service : mark; flags interval; }
//       chain marks {
//           meta mark set ip daddr . meta l4proto . th dport map @exact4
//           meta mark set ip daddr . meta l4proto . th dport map @ranges4
//       }
//       chain prerouting { type filter hook prerouting priority mangle; policy accept; jump marks; }
//       chain output { type route hook output priority mangle; policy accept; jump marks; }
//   }
//
// and the same for IPv6. A map and its rule exist only once there was an element for them: a packet pays for the
// lookups that somebody needs.
#pragma once

#include "nftables/element.h"

#include <netinet/in.h>

#include <linux/netfilter.h>

namespace nftables {

// Set types as nft numbers them (include/datatype.h): how `nft list` knows what keys and data mean. Concatenations put
// six bits for each field.
namespace type {
inline constexpr uint32_t ipv4Address = 7;
inline constexpr uint32_t ipv6Address = 8;
inline constexpr uint32_t protocol = 12;
inline constexpr uint32_t service = 13;
inline constexpr uint32_t mark = 19;
constexpr uint32_t concatenation(uint32_t first, uint32_t second, uint32_t third) {
  return first << 12 | second << 6 | third;
}
} // namespace type

struct MapDefinition {
  const char* name;
  uint16_t family;
  bool interval;
  size_t addressLength;
  uint32_t networkOffset; // of the destination address in the IP header

  // Fields of a key are padded to 4 bytes each: address . protocol . port.
  [[nodiscard]] constexpr size_t keyLength() const { return addressLength + 8; }

  [[nodiscard]] constexpr uint32_t keyType() const {
    return type::concatenation(family == AF_INET ? type::ipv4Address : type::ipv6Address, type::protocol,
                               type::service);
  }

  // Intervals over concatenations ("pipapo", Linux 5.6+) want to know the fields, hence CONCAT; for the hash map the
  // key is just bytes. The flags are those of nft: `nft -f` on top of an existing map is refused when they differ.
  [[nodiscard]] constexpr uint32_t flags() const {
    return interval ? NFT_SET_MAP | NFT_SET_INTERVAL | NFT_SET_CONCAT : NFT_SET_MAP;
  }
};

inline constexpr MapDefinition maps[] = {
    {"exact4", AF_INET, false, 4, 16},
    {"ranges4", AF_INET, true, 4, 16},
    {"exact6", AF_INET6, false, 16, 24},
    {"ranges6", AF_INET6, true, 16, 24},
};
inline constexpr size_t mapCount = std::size(maps);

// Where an element stands, or will.
inline size_t mapOf(const Element& element) {
  const size_t first = element.family == AF_INET6 ? 2 : 0;
  return first + (element.interval != 0 || !isExact(element) ? 1 : 0);
}

struct BaseChain {
  const char* name;
  const char* type;
  uint32_t hook;
};

// Mangle's priority: after connection tracking, before IPVS sees the packet (input at -99 and later). The output chain
// has type route: packets of the director itself are routed again when their mark changed.
inline constexpr int32_t priority = -150;
inline constexpr BaseChain baseChains[] = {{"prerouting", "filter", NF_INET_PRE_ROUTING},
                                           {"output", "route", NF_INET_LOCAL_OUT}};
inline constexpr const char* marksChain = "marks"; // `mark` would be a keyword of nft

} // namespace nftables
