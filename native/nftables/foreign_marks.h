// Marks that other people's rules give: what an allocation must avoid, and what a person wants to see.
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
  uint8_t known; // 0: only the kernel knows the mark, when the packet is there
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
    NETLINK_FIELD(FoundMark, mark, u32, FOUND_MARK, "Firewall mark that packets get."),
    NETLINK_FIELD(FoundMark, handle, u64, FOUND_HANDLE, "The kernel's number of the rule."),
    NETLINK_FIELD(FoundMark, mask, u32, FOUND_MASK, "Bits of the mark that are set; the others stay."),
    NETLINK_FIELD(FoundMark, known, u8, FOUND_KNOWN, "1: the mark is written in the rule or its map."),
    NETLINK_FIELD(FoundMark, family, u8, FOUND_FAMILY, "NFPROTO_*: of the table."),
    NETLINK_FIELD(FoundMark, table, text, FOUND_TABLE, "Table of the rule."),
    NETLINK_FIELD(FoundMark, chain, text, FOUND_CHAIN, "Chain of the rule."),
    NETLINK_FIELD(FoundMark, map, text, FOUND_MAP, "Map that the rule looks the mark up in."),
};
inline constexpr netlink::Record foundMarkRecord{"foundMark", sizeof(FoundMark), 0, foundMarkFields};
static_assert(netlink::wellFormed(foundMarkRecord));

// All statements in the network namespace that set the packet's mark, but for those of our table: of nft, and of
// iptables in its nft variant. A map counts once for each mark in it.
[[nodiscard]] Failure findMarks(netlink::Channel& channel, const std::string& ownTable, const Control& control,
                                std::vector<FoundMark>& rows);

} // namespace nftables
