// Changes of the mark map: one transaction and its outcome.
#include "nftables/marks.h"

#include "nftables/bridge.h"
#include "nftables/rules.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace nftables {
namespace {

// Bytes after which a list of elements gets no further one: the length of an attribute has 16 bits.
constexpr size_t fullList = 60'000;

constexpr int restartError = ERESTART;

bool valid(const Element& element) {
  if ((element.family != AF_INET && element.family != AF_INET6) || element.protocol > UINT8_MAX ||
      element.place >= placeCount) {
    return false;
  }
  if (isRule(element)) {
    return true;
  }
  const MapDefinition& map = maps[mapOf(element)];
  return (map.interval() || isExact(element)) && (!map.ports() || element.protocol != 0);
}

// Index of the element that contains `offset` (from the start of the message); 0 if no element does.
size_t elementAt(Bytes message, size_t offset) {
  constexpr size_t headers = sizeof(nlmsghdr) + sizeof(nfgenmsg);
  netlink::AttributeReader reader(message.subspan(headers));
  netlink::Attribute list;
  while (reader.next(list)) {
    const size_t start = headers + list.offset + sizeof(nlattr);
    if (list.type != NFTA_SET_ELEM_LIST_ELEMENTS || offset < start) {
      continue;
    }
    netlink::AttributeReader elements(list.payload);
    netlink::Attribute element;
    for (size_t index = 0; elements.next(element); ++index) {
      const size_t end = start + element.offset + sizeof(nlattr) + element.payload.size();
      if (offset < end) {
        return index;
      }
    }
  }
  return 0;
}

} // namespace

Applied Marks::apply(uint32_t& generation, std::span<const Element> rows, size_t removed, const Control& control) {
  Applied applied;
  bool bridged = false;
  applied.failures = change(generation, rows, removed, control, bridged);
  if (bridged) {
    applied.leftovers = removeBridges(channel_, table_, netlink::Clock::now() + tidyTime, generation);
  }
  return applied;
}

std::vector<Failure> Marks::change(uint32_t& generation, std::span<const Element> rows, size_t removed,
                                   const Control& control, bool& bridged) {
  const uint32_t before = std::exchange(generation, 0);
  if (const auto bad = std::ranges::find_if_not(rows, valid); bad != rows.end() || removed > rows.size()) {
    return {failureOf(static_cast<size_t>(bad - rows.begin()), netlink::local(EINVAL))};
  }
  Objects existing;
  if (Failure failure = readObjects(channel_, table_, control, existing); !failure.status.ok()) {
    return {std::move(failure)};
  }
  if (existing.generation != before) {
    return {failureOf(0, netlink::rejected(restartError))}; // the kernel's error
  }
  const Needs needs = withExisting(needsOf(rows.subspan(removed)), existing);
  const Objects missing = missingObjects(existing, needs);
  if (rows.empty() && isEmpty(missing) && existing.bridges.empty()) {
    generation = before;
    return {};
  }
  const BridgedRows bridges = bridging_ ? bridgedRows(rows, removed) : BridgedRows{};
  bridged = !existing.bridges.empty();
  if (!bridges.removed.empty() && existing.chain[MARKS]) {
    bool sent = false;
    Failure failure = addBridges(channel_, table_, rows, bridges.removed, control, existing, sent);
    bridged = bridged || sent;
    if (!failure.status.ok()) {
      return {std::move(failure)};
    }
  }
  const uint32_t base = existing.generation;
  Batch& batch = channel_.compose();
  segments_.clear();
  beginTransaction(batch, base);
  createObjects(batch, table_, missing);
  appendBridgeRemovals(batch, table_, existing.bridges);
  for (const size_t row : bridges.added) {
    appendBridge(batch, table_, rows[row]);
  }
  appendRules(batch, rows, 0, removed, nftables::appendRuleRemoval);
  appendElements(batch, rows, 0, removed,
                 NFT_MSG_DELSETELEM); // removals first: a change of a mark removes and adds the same key
  appendElements(batch, rows, removed, rows.size(), NFT_MSG_NEWSETELEM);
  appendRules(batch, rows, removed, rows.size(), appendRule);
  endTransaction(batch);
  netlink::Replies replies;
  const Status status = channel_.exchange(control, replies);
  bridged = bridged || (replies.sent && !bridges.added.empty());
  if (!replies.refusals.empty()) {
    return failuresOf(replies);
  }
  const std::optional<Failure> failure = status.ok() ? confirm(base, generation)
                                         : replies.sent && status.doubtful()
                                             ? resolve(status, base, rows, removed, control)
                                             : std::optional(failureOf(0, status));
  if (failure) {
    return {*failure};
  }
  bridged = !bridges.added.empty(); // the transaction removed the earlier bridges
  return {};
}

// Appends messages for the elements in rows[first..last), map by map.
void Marks::appendElements(Batch& batch, std::span<const Element> rows, size_t first, size_t last, uint16_t message) {
  const bool removal = message == NFT_MSG_DELSETELEM;
  std::vector<size_t> members[mapCount];
  for (size_t row = first; row < last; ++row) {
    if (!isRule(rows[row])) {
      members[mapOf(rows[row])].push_back(row);
    }
  }
  for (size_t map = 0; map < mapCount; ++map) {
    for (size_t next = 0; next < members[map].size();) {
      Segment& segment = segments_.emplace_back(Segment{batch.count(), {}});
      Writer writer = beginMessage(batch, message, removal ? 0 : NLM_F_CREATE | NLM_F_EXCL);
      writer.text(NFTA_SET_ELEM_LIST_TABLE, table_);
      writer.text(NFTA_SET_ELEM_LIST_SET, maps[map].name);
      const size_t list = writer.beginNest(NFTA_SET_ELEM_LIST_ELEMENTS);
      while (next < members[map].size() && writer.size() - list < fullList) {
        const size_t row = members[map][next++];
        writeElement(writer, maps[map], rows[row], removal ? Detail::key : Detail::full);
        segment.rows.push_back(row);
      }
      writer.endNest(list);
      batch.end();
    }
  }
}

// Appends a message for each rule in rows[first..last).
void Marks::appendRules(Batch& batch, std::span<const Element> rows, size_t first, size_t last, RuleMessage append) {
  for (size_t row = first; row < last; ++row) {
    if (isRule(rows[row])) {
      segments_.push_back({batch.count(), {row}});
      append(batch, table_, rows[row]);
    }
  }
}

// Nothing was applied. The kernel checks all messages even after a refusal, and refuses the elements of a refused map
// as well. So the failure is the first refusal that is not about rows; without one, all refusals.
std::vector<Failure> Marks::failuresOf(const netlink::Replies& replies) const {
  const auto isSegment = [this](const netlink::Refusal& refusal) {
    return std::ranges::find(segments_, refusal.index, &Segment::message) != segments_.end();
  };
  const auto ofObject = std::ranges::find_if_not(replies.refusals, isSegment);
  if (ofObject != replies.refusals.end()) {
    return {refusalOf(*ofObject)};
  }
  std::vector<Failure> failures;
  failures.reserve(replies.refusals.size());
  for (const netlink::Refusal& refusal : replies.refusals) {
    failures.push_back(refusalOf(refusal));
  }
  std::ranges::sort(failures, {}, &Failure::index);
  return failures;
}

Failure Marks::refusalOf(const netlink::Refusal& refusal) const {
  const int error = refusal.ack.error;
  Failure failure = failureOf(0, netlink::rejected(error));
  failure.message = refusal.ack.text;
  const auto segment = std::ranges::find(segments_, refusal.index, &Segment::message);
  if (segment != segments_.end()) {
    // Newer kernels report the offset of the refused element. 5.10 does not: report the first element of the message.
    const size_t element = elementAt(channel_.sent().message(refusal.index), refusal.ack.offset);
    failure.index = segment->rows[std::min(element, segment->rows.size() - 1)];
  } else if (error == EOPNOTSUPP || error == ENOENT || error == EAFNOSUPPORT) {
    // No nf_tables, no family inet, or no chains of type route.
    failure.status = {netlink::FailureKind::unavailable, error};
  }
  return failure;
}

} // namespace nftables
