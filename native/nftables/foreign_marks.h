// Marks that rules outside our table set: allocations must avoid them.
#pragma once

#include "nftables/message.h"

#include "netlink/record.h"

#include <vector>

namespace nftables {

struct FoundMark {
  uint32_t present;
  uint32_t mark;
  uint64_t handle;
  uint32_t mask;
  uint8_t known; // 0: the mark depends on the packet
  uint8_t family;
  char table[NFT_NAME_MAXLEN];
  char chain[NFT_NAME_MAXLEN];
  char map[NFT_NAME_MAXLEN];
};

enum FoundMarkPart : uint8_t {
  FOUND_MARK = 1,
  FOUND_HANDLE,
  FOUND_MASK,
  FOUND_KNOWN,
  FOUND_FAMILY,
  FOUND_TABLE,
  FOUND_CHAIN,
  FOUND_MAP,
};

inline constexpr netlink::Field foundMarkFields[] = {
    NETLINK_FIELD(FoundMark, mark, u32, FOUND_MARK, "Firewall mark set on packets."),
    NETLINK_FIELD(FoundMark, handle, u64, FOUND_HANDLE, "Handle of the rule."),
    NETLINK_FIELD(FoundMark, mask, u32, FOUND_MASK, "Bits of the packet's mark that are replaced."),
    NETLINK_FIELD(FoundMark, known, u8, FOUND_KNOWN, "1: the mark is a constant of the rule or its map."),
    NETLINK_FIELD(FoundMark, family, u8, FOUND_FAMILY, "NFPROTO_*: of the table."),
    NETLINK_FIELD(FoundMark, table, text, FOUND_TABLE, "Table of the rule."),
    NETLINK_FIELD(FoundMark, chain, text, FOUND_CHAIN, "Chain of the rule."),
    NETLINK_FIELD(FoundMark, map, text, FOUND_MAP, "Map that the rule takes the mark from."),
};
inline constexpr netlink::Record foundMarkRecord{"foundMark", sizeof(FoundMark), 0, foundMarkFields};
static_assert(netlink::wellFormed(foundMarkRecord));

// Finds all statements in the network namespace that set the packet's mark, except in our table: of nft, and of
// iptables-nft. A lookup in a map yields one row per mark in the map.
[[nodiscard]] Failure findMarks(netlink::Channel& channel, const std::string& ownTable, const Control& control,
                                std::vector<FoundMark>& rows);

} // namespace nftables
