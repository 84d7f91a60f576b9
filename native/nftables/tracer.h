// Traces as rows, with the routes of the packets.
#pragma once

#include "nftables/trace.h"

namespace nftables {

struct TraceRow {
  uint32_t present;
  uint32_t mark;
  uint32_t formerMark;
  uint32_t position;
  uint32_t markPosition;
  uint32_t tableFlags;
  uint64_t handle;
  uint64_t markHandle;
  uint64_t askedHandle;
  uint8_t outcome;
  uint8_t hook;
  uint8_t route;
  uint8_t markKnown;
  uint8_t formerKnown;
  uint8_t family;
  uint8_t markFamily;
  uint8_t askedFamily;
  char table[NFT_NAME_MAXLEN];
  char base[NFT_NAME_MAXLEN];
  char chain[NFT_NAME_MAXLEN];
  char markTable[NFT_NAME_MAXLEN];
  char markChain[NFT_NAME_MAXLEN];
  char askedTable[NFT_NAME_MAXLEN];
  char askedChain[NFT_NAME_MAXLEN];
};

enum TracePart : uint8_t {
  TRACE_MARK = 1,
  TRACE_FORMER_MARK,
  TRACE_POSITION,
  TRACE_MARK_POSITION,
  TRACE_TABLE_FLAGS,
  TRACE_HANDLE,
  TRACE_MARK_HANDLE,
  TRACE_ASKED_HANDLE,
  TRACE_OUTCOME,
  TRACE_HOOK,
  TRACE_ROUTE,
  TRACE_MARK_KNOWN,
  TRACE_FORMER_KNOWN,
  TRACE_FAMILY,
  TRACE_MARK_FAMILY,
  TRACE_ASKED_FAMILY,
  TRACE_TABLE,
  TRACE_BASE,
  TRACE_CHAIN,
  TRACE_MARK_TABLE,
  TRACE_MARK_CHAIN,
  TRACE_ASKED_TABLE,
  TRACE_ASKED_CHAIN,
};

inline constexpr netlink::Field traceFields[] = {
    NETLINK_FIELD(TraceRow, mark, u32, TRACE_MARK, "Final firewall mark."),
    NETLINK_FIELD(TraceRow, formerMark, u32, TRACE_FORMER_MARK, "Mark before its last change."),
    NETLINK_FIELD(TraceRow, position, u32, TRACE_POSITION, "Position of the dropping rule, from 1; 0: the policy."),
    NETLINK_FIELD(TraceRow, markPosition, u32, TRACE_MARK_POSITION, "Position of the rule that set the mark, from 1."),
    NETLINK_FIELD(TraceRow, tableFlags, u32, TRACE_TABLE_FLAGS, "NFT_TABLE_F_* of the dropping table."),
    NETLINK_FIELD(TraceRow, handle, u64, TRACE_HANDLE, "Handle of the dropping rule."),
    NETLINK_FIELD(TraceRow, markHandle, u64, TRACE_MARK_HANDLE, "Handle of the rule that set the mark."),
    NETLINK_FIELD(TraceRow, askedHandle, u64, TRACE_ASKED_HANDLE,
                  "Handle of a rule that matches on the mark too early."),
    NETLINK_FIELD(TraceRow, outcome, u8, TRACE_OUTCOME, "0 accepted, 1 dropped, 2 unknown."),
    NETLINK_FIELD(TraceRow, hook, u8, TRACE_HOOK, "NF_INET_* of the drop."),
    NETLINK_FIELD(TraceRow, route, u8, TRACE_ROUTE, "RTN_* of the destination; 0: not looked up."),
    NETLINK_FIELD(TraceRow, markKnown, u8, TRACE_MARK_KNOWN, "1: the mark does not depend on the packet."),
    NETLINK_FIELD(TraceRow, formerKnown, u8, TRACE_FORMER_KNOWN, "1: the former mark does not depend on the packet."),
    NETLINK_FIELD(TraceRow, family, u8, TRACE_FAMILY, "NFPROTO_* of the dropping table."),
    NETLINK_FIELD(TraceRow, markFamily, u8, TRACE_MARK_FAMILY, "NFPROTO_* of the table that set the mark; 0: none."),
    NETLINK_FIELD(TraceRow, askedFamily, u8, TRACE_ASKED_FAMILY, "NFPROTO_* of the table that matches early; 0: none."),
    NETLINK_FIELD(TraceRow, table, text, TRACE_TABLE, "Table of the dropping rule."),
    NETLINK_FIELD(TraceRow, base, text, TRACE_BASE, "Base chain of the dropping rule."),
    NETLINK_FIELD(TraceRow, chain, text, TRACE_CHAIN, "Chain of the dropping rule."),
    NETLINK_FIELD(TraceRow, markTable, text, TRACE_MARK_TABLE, "Table of the rule that set the mark."),
    NETLINK_FIELD(TraceRow, markChain, text, TRACE_MARK_CHAIN, "Chain of the rule that set the mark."),
    NETLINK_FIELD(TraceRow, askedTable, text, TRACE_ASKED_TABLE, "Table of the rule that matches early."),
    NETLINK_FIELD(TraceRow, askedChain, text, TRACE_ASKED_CHAIN, "Chain of the rule that matches early."),
};
inline constexpr netlink::Record traceRecord{"trace", sizeof(TraceRow), 0, traceFields};
static_assert(netlink::wellFormed(traceRecord));

// One row per packet, for one generation of the ruleset. `routes`: a channel of NETLINK_ROUTE.
[[nodiscard]] Failure tracePackets(netlink::Channel& filter, netlink::Channel& routes, const Control& control,
                                   std::span<const TracedPacket> packets, std::vector<TraceRow>& rows);

} // namespace nftables
