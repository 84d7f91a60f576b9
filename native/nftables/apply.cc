// Changing the mark map: one transaction, and what its answers say.
#include "nftables/marks.h"

#include "nftables/bridge.h"
#include "nftables/rules.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace nftables {
namespace {

// The length of an attribute is 16 bits wide; one more element must always fit.
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

// Which child of the message's list of elements the offset (from the message's start) lies in; none: the first.
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
  if (Failure failure = findObjects(channel_, table_, control, existing); !failure.status.ok()) {
    return {std::move(failure)};
  }
  if (existing.generation != before) {
    return {failureOf(0, netlink::rejected(restartError))}; // as the kernel would say
  }
  const Needs needs = withExisting(needsOf(rows.subspan(removed)), existing);
  const Objects missing = missingObjects(existing, needs);
  if (rows.empty() && nothing(missing) && existing.bridges.empty()) {
    generation = before;
    return {};
  }
  const Handover handover = bridging_ ? handoverOf(rows, removed) : Handover{};
  bridged = !existing.bridges.empty();
  if (!handover.leaving.empty() && existing.chain[MARKS]) {
    bool sent = false;
    Failure failure = layBridges(channel_, table_, rows, handover.leaving, control, existing, sent);
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
  for (const size_t row : handover.coming) {
    appendBridge(batch, table_, rows[row]);
  }
  appendRules(batch, rows, 0, removed, nftables::appendRuleRemoval);
  appendElements(batch, rows, 0, removed, NFT_MSG_DELSETELEM); // first: a change of mark removes and adds
  appendElements(batch, rows, removed, rows.size(), NFT_MSG_NEWSETELEM);
  appendRules(batch, rows, removed, rows.size(), appendRule);
  endTransaction(batch);
  netlink::Answers answers;
  const Status status = channel_.exchange(control, answers);
  bridged = bridged || (answers.sent && !handover.coming.empty());
  if (!answers.refusals.empty()) {
    return failuresOf(answers);
  }
  const std::optional<Failure> failure = status.ok() ? confirm(base, generation)
                                         : answers.sent && status.doubtful()
                                             ? resolve(status, base, rows, removed, control)
                                             : std::optional(failureOf(0, status));
  if (failure) {
    return {*failure};
  }
  bridged = !handover.coming.empty(); // those from before went with the change
  return {};
}

// Appends messages for rows[first..last), map by map.
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

// Appends a message for each of rows[first..last) that is a rule of its own.
void Marks::appendRules(Batch& batch, std::span<const Element> rows, size_t first, size_t last, RuleMessage append) {
  for (size_t row = first; row < last; ++row) {
    if (isRule(rows[row])) {
      segments_.push_back({batch.count(), {row}});
      append(batch, table_, rows[row]);
    }
  }
}

// Nothing was applied. The kernel looks at all messages even after the first refusal: a refused map refuses its
// elements as well, so the cause is the first one, unless elements alone were refused.
std::vector<Failure> Marks::failuresOf(const netlink::Answers& answers) const {
  const auto isSegment = [this](const netlink::Refusal& refusal) {
    return std::ranges::find(segments_, refusal.index, &Segment::message) != segments_.end();
  };
  const auto cause = std::ranges::find_if_not(answers.refusals, isSegment);
  if (cause != answers.refusals.end()) {
    return {refusalOf(*cause)};
  }
  std::vector<Failure> failures;
  failures.reserve(answers.refusals.size());
  for (const netlink::Refusal& refusal : answers.refusals) {
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
    // Newer kernels say where in the message the element stands (5.10 does not): its first one stands for all.
    const size_t element = elementAt(channel_.sent().message(refusal.index), refusal.ack.offset);
    failure.index = segment->rows[std::min(element, segment->rows.size() - 1)];
  } else if (error == EOPNOTSUPP || error == ENOENT || error == EAFNOSUPPORT) {
    // No nf_tables, no family inet, or no chains of type route.
    failure.status = {netlink::Cause::unavailable, error};
  }
  return failure;
}

} // namespace nftables
