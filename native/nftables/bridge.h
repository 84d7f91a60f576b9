// Until Linux 6.17 (and some later releases of older series), elements of an interval map that a transaction adds are
// not found before a moment after those that it removes are not found any more: the kernel looks both up in a copy that
// it exchanges last. Rules take effect in time. So where ranges take packets over from others, rules in front of the
// lookups say the same for that moment: those of the old ranges are laid by a transaction before, those of the new ones
// come with the transaction itself, which takes the others away, and go with one after it. Three, because a packet sees
// the rules of the ruleset that it began with, but elements as they are when it gets to them.
#pragma once

#include "nftables/table_objects.h"

#include <span>

namespace nftables {

// Rows that are bridged.
struct Handover {
  std::vector<size_t> leaving;
  std::vector<size_t> coming;
};

// True when this kernel may be one of those.
[[nodiscard]] bool rangesNeedBridges();

// What takes packets over from the first `removed` rows, and what it takes them over from.
[[nodiscard]] Handover handoverOf(std::span<const Element> rows, size_t removed);

// NFT_MSG_NEWRULE: what the element says.
void appendBridge(Batch& batch, const std::string& table, const Element& element);

// NFT_MSG_DELRULE for such rules.
void appendBridgeRemovals(Batch& batch, const std::string& table, std::span<const uint64_t> handles);

// Lays bridges for what will leave, in the place of those in `existing`, and sees to it that every packet comes across
// them. `existing` is then what there is. After a failure, nothing has changed for packets, whatever was done. `sent`:
// the kernel got them, so they may be there.
[[nodiscard]] Failure layBridges(netlink::Channel& channel, const std::string& table, std::span<const Element> rows,
                                 std::span<const size_t> leaving, const Control& control, Objects& existing,
                                 bool& sent);

// Part of netlink::readBackTime: how long tidying up may take, whatever ended the change.
inline constexpr std::chrono::milliseconds tidyTime{500};

// Removes all bridges. Not done: some may be left, for this reason. They say what the table said, and the next change
// or opening removes them. `generation` stays that of what the caller knows, or is 0. Nothing but `until` ends it
// early.
[[nodiscard]] Status removeBridges(netlink::Channel& channel, const std::string& table,
                                   netlink::Clock::time_point until, uint32_t& generation);

// Removes those that a change which was killed has left, if that can be done; those of a change that is under way stay.
void removeOldBridges(netlink::Channel& channel, const std::string& table, const Control& control);

} // namespace nftables
