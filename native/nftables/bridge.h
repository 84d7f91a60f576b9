// Temporary rules ("bridges") that cover the replacement of ranges. Before Linux 6.17 (and some stable releases) there
// is a moment in a transaction when neither the removed nor the added elements of an interval map match: the kernel
// swaps in the copy with the added elements last. Rules have no such gap. So (1) a first transaction adds rules for the
// old ranges in front of the lookups; (2) the real one replaces them by rules for the new ranges; (3) a third one
// removes these. Three transactions, because a packet sees the rules of the generation in which it entered the chain,
// but the current elements.
#pragma once

#include "nftables/table_objects.h"

#include <span>

namespace nftables {

// Indices of the rows that need bridges.
struct BridgedRows {
  std::vector<size_t> removed;
  std::vector<size_t> added;
};

// True unless this kernel is known to replace ranges without a gap.
[[nodiscard]] bool rangesNeedBridges();

// The ranges among the first `removed` rows that overlap added ranges, and vice versa.
[[nodiscard]] BridgedRows bridgedRows(std::span<const Element> rows, size_t removed);

// NFT_MSG_NEWRULE with the matches and the mark of an element.
void appendBridge(Batch& batch, const std::string& table, const Element& element);

// NFT_MSG_DELRULE for bridges.
void appendBridgeRemovals(Batch& batch, const std::string& table, std::span<const uint64_t> handles);

// Step 1: replaces the bridges in `existing` by bridges for the rows `removed`, waits until every packet sees them, and
// reads `existing` again. A failure never changes the marks of packets. `sent`: the kernel got the transaction, so the
// bridges may exist.
[[nodiscard]] Failure addBridges(netlink::Channel& channel, const std::string& table, std::span<const Element> rows,
                                 std::span<const size_t> removed, const Control& control, Objects& existing,
                                 bool& sent);

// Time for removing bridges after a change, part of netlink::readBackTime.
inline constexpr std::chrono::milliseconds tidyTime{500};

// Step 3: removes all bridges. Not ok: some may be left, with the same effect as the table; the next change or open()
// removes them. `generation` is advanced if no other transaction interfered, else set to 0. Only `until` interrupts it.
[[nodiscard]] Status removeBridges(netlink::Channel& channel, const std::string& table,
                                   netlink::Clock::time_point until, uint32_t& generation);

// Removes bridges left by an interrupted change; failures are ignored. Bridges of a running change stay.
void removeOldBridges(netlink::Channel& channel, const std::string& table, const Control& control);

} // namespace nftables
