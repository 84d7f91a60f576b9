#include "nftables/bridge.h"

#include "nftables/expressions.h"
#include "nftables/user_data.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <thread>
#include <utility>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace nftables {
namespace {

constexpr int removalAttempts = 5;

// Upper bound of the time between the first two transactions of a running change.
constexpr std::chrono::milliseconds longestChange{100};

// Half of the remaining time, so that a lost reply does not use up all of it.
Control attemptControl(netlink::Clock::time_point until) {
  const auto now = netlink::Clock::now();
  return {now + (until - now) / 2, -1, {}};
}

bool inIntervals(const Element& element) { return !isRule(element) && maps[mapOf(element)].interval(); }

int compare(const std::byte (&left)[16], const std::byte (&right)[16]) { return std::memcmp(left, right, sizeof left); }

// A range in a list sorted by first address. `reach`: the highest last address of this range and all before it.
struct Range {
  const Element* element;
  const std::byte (*reach)[16];
};

std::vector<Range> rangesOf(std::span<const Element> rows) {
  std::vector<Range> ranges;
  for (const Element& element : rows) {
    if (inIntervals(element)) {
      ranges.push_back({&element, &element.addressTo});
    }
  }
  std::ranges::sort(ranges, [](const Range& left, const Range& right) {
    return compare(left.element->addressFrom, right.element->addressFrom) < 0;
  });
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (compare(*ranges[i - 1].reach, *ranges[i].reach) > 0) {
      ranges[i].reach = ranges[i - 1].reach;
    }
  }
  return ranges;
}

bool overlap(const Element& left, const Element& right) {
  return left.family == right.family && compare(left.addressFrom, right.addressTo) <= 0 &&
         compare(right.addressFrom, left.addressTo) <= 0 &&
         (left.protocol == right.protocol || left.protocol == 0 || right.protocol == 0) &&
         left.portFrom <= right.portTo && right.portFrom <= left.portTo;
}

bool overlapsOne(const Element& element, const std::vector<Range>& ranges) {
  auto next = std::ranges::upper_bound(
      ranges, element.addressTo, [](const auto& address, const auto& from) { return compare(address, from) < 0; },
      [](const Range& range) -> const std::byte(&)[16] { return range.element->addressFrom; });
  while (next != ranges.begin()) {
    --next;
    if (compare(*next->reach, element.addressFrom) < 0) {
      return false;
    }
    if (overlap(*next->element, element)) {
      return true;
    }
  }
  return false;
}

// Indices of the ranges in rows[first..last) that overlap a range in `counterparts`.
std::vector<size_t> overlapping(std::span<const Element> rows, size_t first, size_t last,
                                std::span<const Element> counterparts) {
  std::vector<size_t> found;
  const std::vector<Range> ranges = rangesOf(counterparts);
  for (size_t row = first; row < last && !ranges.empty(); ++row) {
    if (inIntervals(rows[row]) && overlapsOne(rows[row], ranges)) {
      found.push_back(row);
    }
  }
  return found;
}

// Returns when no packet is still being processed with the old rules (an RCU grace period). Where membarrier() is not
// permitted, the duration of a transaction has to suffice.
void waitForPackets() { (void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0); }

} // namespace

bool rangesNeedBridges() {
  constexpr std::pair fixed{6U, 17U};
  utsname system{};
  std::pair version{0U, 0U};
  return uname(&system) != 0 || std::sscanf(system.release, "%u.%u", &version.first, &version.second) != 2 ||
         version < fixed;
}

BridgedRows bridgedRows(std::span<const Element> rows, size_t removed) {
  return {overlapping(rows, 0, removed, rows.subspan(removed)),
          overlapping(rows, removed, rows.size(), rows.first(removed))};
}

void appendBridge(Batch& batch, const std::string& table, const Element& element) {
  Element rule = element;
  rule.place = static_cast<uint8_t>(Place::special);
  rule.rule = 0;
  rule.counter = 0;
  std::strcpy(rule.comment, "temporary");
  Writer writer = beginMessage(batch, NFT_MSG_NEWRULE, NLM_F_CREATE);
  writer.text(NFTA_RULE_TABLE, table);
  writer.text(NFTA_RULE_CHAIN, chains[MARKS].name);
  const size_t expressions = writer.beginNest(NFTA_RULE_EXPRESSIONS);
  writeRule(writer, rule);
  writer.endNest(expressions);
  writeUserData(writer, NFTA_RULE_USERDATA, rule);
  batch.end();
}

void appendBridgeRemovals(Batch& batch, const std::string& table, std::span<const uint64_t> handles) {
  for (const uint64_t handle : handles) {
    appendRuleRemoval(batch, table, {MARKS, handle});
  }
}

Failure addBridges(netlink::Channel& channel, const std::string& table, std::span<const Element> rows,
                   std::span<const size_t> removed, const Control& control, Objects& existing, bool& sent) {
  const uint32_t expected = existing.generation + 1;
  Batch& batch = channel.compose();
  beginTransaction(batch, existing.generation);
  appendBridgeRemovals(batch, table, existing.bridges);
  for (const size_t row : removed) {
    appendBridge(batch, table, rows[row]);
  }
  endTransaction(batch);
  netlink::Replies replies;
  const Status status = channel.exchange(control, replies);
  sent = replies.sent;
  if (!replies.refusals.empty()) {
    return failureOf(0, netlink::rejected(replies.refusals.front().ack.error));
  }
  if (!status.ok()) {
    return failureOf(0, status);
  }
  existing = {};
  Failure failure = readObjects(channel, table, control, existing);
  if (failure.status.ok() && existing.generation != expected) {
    failure = failureOf(0, netlink::rejected(ERESTART)); // the kernel's error
  }
  if (failure.status.ok()) {
    waitForPackets();
  }
  return failure;
}

Status removeBridges(netlink::Channel& channel, const std::string& table, netlink::Clock::time_point until,
                     uint32_t& generation) {
  const uint32_t expected = std::exchange(generation, 0);
  Status status{netlink::FailureKind::timeout, 0};
  for (int attempt = 0; attempt < removalAttempts; ++attempt) {
    const Control control = attemptControl(until);
    Objects objects;
    status = readObjects(channel, table, control, objects).status;
    if (!status.ok()) {
      continue;
    }
    if (objects.bridges.empty()) {
      generation = objects.generation == expected ? expected : 0;
      return netlink::done();
    }
    Batch& batch = channel.compose();
    beginTransaction(batch, objects.generation);
    appendBridgeRemovals(batch, table, objects.bridges);
    endTransaction(batch);
    netlink::Replies replies;
    status = channel.exchange(control, replies);
    if (!replies.refusals.empty()) {
      status = netlink::rejected(replies.refusals.front().ack.error);
    }
    uint32_t after = 0;
    if (status.ok()) {
      status = readGeneration(channel, control, after);
    }
    if (status.ok() && after != objects.generation) {
      generation = objects.generation == expected && after == expected + 1 ? after : 0;
      return netlink::done();
    }
  }
  return status.ok() ? Status{netlink::FailureKind::malformed, 0} : status;
}

void removeOldBridges(netlink::Channel& channel, const std::string& table, const Control& control) {
  Objects first;
  Objects second;
  if (!readObjects(channel, table, control, first).status.ok() || first.bridges.empty()) {
    return;
  }
  std::this_thread::sleep_for(longestChange);
  if (readObjects(channel, table, control, second).status.ok() && second.bridges == first.bridges) {
    uint32_t unused = 0;
    (void)removeBridges(channel, table, std::min(control.deadline, netlink::Clock::now() + tidyTime), unused);
  }
}

} // namespace nftables
