// The layout of our table: chains, and maps with one lookup rule each.
//
//   table inet ipvs {
//       map exact4 { type ipv4_addr . inet_proto . inet_service : mark; }
//       map ranges4 { type ipv4_addr . inet_proto . inet_service : mark; flags interval; }
//       map hosts4 { type ipv4_addr . inet_proto : mark; flags interval; }
//       chain marks {
//           meta mark set ip daddr . meta l4proto . th dport map @exact4
//           meta mark set ip daddr . meta l4proto . th dport map @ranges4
//           meta mark set ip daddr . meta l4proto map @hosts4
//       }
//       chain special { ip saddr 10.0.0.0/8 ip daddr 172.16.0.100 tcp dport 80 meta mark set 0x7 }
//       chain prerouting { type filter hook prerouting priority mangle; policy accept; jump marks; jump special; }
//       chain output { type route hook output priority mangle; policy accept; jump marks; jump special; }
//       chain srcnat { type nat hook postrouting priority srcnat; policy accept; ip saddr 10.0.0.7 masquerade; }
//       chain dstnat { type nat hook prerouting priority dstnat; policy accept; ip daddr 172.16.0.100 redirect; }
//   }
//
// plus the same maps for IPv6, and a variant of each with `counter;` (exact4_counted, ...), as nft supports counters
// only for all elements of a map. Maps and chains are created on first use, so that packets do not pay for unused ones.
// The jump to `special` comes last: its rules take precedence.
#pragma once

#include "nftables/element.h"

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>

namespace nftables {

// Data types as numbered by nft (include/datatype.h), for `nft list`. A concatenation has six bits per field.
namespace type {
inline constexpr uint32_t ipv4Address = 7;
inline constexpr uint32_t ipv6Address = 8;
inline constexpr uint32_t protocol = 12;
inline constexpr uint32_t service = 13;
inline constexpr uint32_t mark = 19;
constexpr uint32_t concatenation(uint32_t first, uint32_t second) { return first << 6 | second; }
} // namespace type

struct MapDefinition {
  const char* name;
  uint16_t family;
  Place place;

  [[nodiscard]] constexpr size_t addressLength() const { return family == AF_INET ? 4 : 16; }
  [[nodiscard]] constexpr uint32_t networkOffset() const { return family == AF_INET ? 16 : 24; } // of the destination
  [[nodiscard]] constexpr bool interval() const { return place != Place::exact && place != Place::countedExact; }
  [[nodiscard]] constexpr bool ports() const { return place != Place::hosts && place != Place::countedHosts; }
  [[nodiscard]] constexpr bool counted() const { return place >= Place::countedExact; }

  // Fields of a key are padded to 4 bytes each: address . protocol . port.
  [[nodiscard]] constexpr size_t keyLength() const { return addressLength() + (ports() ? 8 : 4); }

  [[nodiscard]] constexpr uint32_t keyType() const {
    const uint32_t address = family == AF_INET ? type::ipv4Address : type::ipv6Address;
    const uint32_t host = type::concatenation(address, type::protocol);
    return ports() ? type::concatenation(host, type::service) : host;
  }

  // Intervals over concatenations (the "pipapo" set, Linux 5.6+) require CONCAT and the field lengths; a hash map
  // treats the key as bytes. Same flags as nft: the kernel refuses `nft -f` on top of an existing map with other flags.
  [[nodiscard]] constexpr uint32_t flags() const {
    return interval() ? NFT_SET_MAP | NFT_SET_INTERVAL | NFT_SET_CONCAT : NFT_SET_MAP;
  }
};

inline constexpr MapDefinition maps[] = {
    {"exact4", AF_INET, Place::exact},
    {"ranges4", AF_INET, Place::ranges},
    {"hosts4", AF_INET, Place::hosts},
    {"exact4_counted", AF_INET, Place::countedExact},
    {"ranges4_counted", AF_INET, Place::countedRanges},
    {"hosts4_counted", AF_INET, Place::countedHosts},
    {"exact6", AF_INET6, Place::exact},
    {"ranges6", AF_INET6, Place::ranges},
    {"hosts6", AF_INET6, Place::hosts},
    {"exact6_counted", AF_INET6, Place::countedExact},
    {"ranges6_counted", AF_INET6, Place::countedRanges},
    {"hosts6_counted", AF_INET6, Place::countedHosts},
};
inline constexpr size_t mapCount = std::size(maps);

// Index in `maps` of the map that an element belongs to.
inline size_t mapOf(const Element& element) {
  return (element.family == AF_INET6 ? size_t{firstChain} : 0U) + element.place;
}

// All chains; targets of jumps precede the chains that jump to them.
enum ChainNumber : uint8_t { MARKS, SPECIAL, PREROUTING, OUTPUT, SRCNAT, DSTNAT };

struct ChainDefinition {
  const char* name;
  const char* type; // null: not a base chain
  const char* hookName;
  uint32_t hook;
  const char* priorityName; // in nft
  int32_t priority;
};

// Priority mangle: after connection tracking, before IPVS (input, from -99 on). The output chain has type route, so
// that the director's own packets are rerouted when their mark changes.
inline constexpr ChainDefinition chains[] = {
    {"marks", nullptr, nullptr, 0, nullptr, 0}, // not `mark`, which is a keyword of nft
    {"special", nullptr, nullptr, 0, nullptr, 0},
    {"prerouting", "filter", "prerouting", NF_INET_PRE_ROUTING, "mangle", NF_IP_PRI_MANGLE},
    {"output", "route", "output", NF_INET_LOCAL_OUT, "mangle", NF_IP_PRI_MANGLE},
    {"srcnat", "nat", "postrouting", NF_INET_POST_ROUTING, "srcnat", NF_IP_PRI_NAT_SRC},
    {"dstnat", "nat", "prerouting", NF_INET_PRE_ROUTING, "dstnat", NF_IP_PRI_NAT_DST},
};
inline constexpr size_t chainCount = std::size(chains);

// The chain of a row that is a rule.
inline ChainNumber chainOf(Place place) {
  return place == Place::srcnat ? SRCNAT : place == Place::dstnat ? DSTNAT : SPECIAL;
}

struct Jump {
  ChainNumber from;
  ChainNumber to;
};
inline constexpr Jump jumps[] = {{PREROUTING, MARKS}, {OUTPUT, MARKS}, {PREROUTING, SPECIAL}, {OUTPUT, SPECIAL}};
inline constexpr size_t jumpCount = std::size(jumps);

} // namespace nftables
