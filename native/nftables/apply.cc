// Changing the mark map: one transaction, its answers, and what to believe when there were none.
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

std::vector<Element> sorted(std::span<const Element> rows) {
  std::vector<Element> elements(rows.begin(), rows.end());
  std::ranges::sort(elements, keyLess);
  return elements;
}

const Element* find(const std::vector<Element>& elements, const Element& key) {
  const auto found = std::ranges::lower_bound(elements, key, keyLess);
  return found != elements.end() && !keyLess(key, *found) ? &*found : nullptr;
}

// True when the table looks as the change wanted it.
bool fulfilled(std::span<const Element> removed, std::span<const Element> added, std::span<const Element> listed) {
  const std::vector<Element> present = sorted(listed);
  const std::vector<Element> wanted = sorted(added);
  for (const Element& element : wanted) {
    const Element* found = find(present, element);
    if (found == nullptr || found->mark != element.mark || found->rule != element.rule ||
        found->counter != element.counter ||
        std::strncmp(found->comment, element.comment, sizeof element.comment) != 0) {
      return false;
    }
  }
  for (const Element& element : sorted(removed)) {
    if (find(wanted, element) == nullptr && find(present, element) != nullptr) {
      return false;
    }
  }
  return true;
}

Needs needsOf(std::span<const Element> rows) {
  Needs needs;
  for (const Element& element : rows) {
    if (isRule(element)) {
      needs.chain[chainOf(static_cast<Place>(element.place))] = true;
    } else {
      needs.map[mapOf(element)] = true;
    }
  }
  return needs;
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

std::vector<Failure> Marks::apply(uint32_t& generation, std::span<const Element> rows, size_t removed,
                                  const Control& control) {
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
  const Objects missing = missingObjects(existing, needsOf(rows.subspan(removed)));
  if (rows.empty() && nothing(missing) && existing.bridges.empty()) {
    generation = before;
    return {};
  }
  const Handover handover = bridging_ ? handoverOf(rows, removed) : Handover{};
  if (!handover.leaving.empty() && existing.chain[MARKS]) {
    if (Failure failure = layBridges(channel_, table_, rows, handover.leaving, control, existing);
        !failure.status.ok()) {
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
  appendRules(batch, rows, 0, removed, appendRuleRemoval);
  appendElements(batch, rows, 0, removed, NFT_MSG_DELSETELEM); // first: a change of mark removes and adds
  appendElements(batch, rows, removed, rows.size(), NFT_MSG_NEWSETELEM);
  appendRules(batch, rows, removed, rows.size(), appendRule);
  endTransaction(batch);
  netlink::Answers answers;
  Status status = channel_.exchange(control, answers);
  if (!answers.refusals.empty()) {
    std::vector<Failure> failures = failuresOf(answers);
    if (base != before) {
      uint32_t nobodys = 0;
      removeBridges(channel_, table_, nobodys);
    }
    return failures;
  }
  if (status.ok()) {
    // No complaint is not yet success: only an applied transaction moves the generation.
    // This question is not given up on, even when the caller is in a hurry: its answer takes no time.
    uint32_t after = 0;
    status = readGeneration(channel_, Control::within(netlink::readBackTime), after);
    if (status.ok() && after != base) {
      generation = after == base + 1 ? after : 0;
      if (!handover.coming.empty()) {
        removeBridges(channel_, table_, generation);
      }
      return {};
    }
    status = status.ok() ? Status{netlink::Cause::malformed, 0} : status;
  }
  Failure failure = failureOf(0, status, answers.sent && status.doubtful());
  if (failure.unknown) {
    resolve(failure, base, rows, removed, control);
  }
  return failure.status.ok() ? std::vector<Failure>{} : std::vector<Failure>{std::move(failure)};
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

// Finds out whether the transaction was applied. sendmsg() returns when the kernel is done with it, so the ruleset does
// not change on our behalf any more.
void Marks::resolve(Failure& failure, uint32_t generation, std::span<const Element> rows, size_t removed,
                    const Control& control) {
  if (failure.status.cause == netlink::Cause::aborted || failure.status.cause == netlink::Cause::closed) {
    return; // the caller does not want to wait for this
  }
  std::vector<Element> listed;
  uint32_t now = 0;
  if (const Status status = readGeneration(channel_, control.forReadBack(), now); !status.ok()) {
    return; // still unknown
  }
  if (now == generation) {
    failure.unknown = false; // not applied
    return;
  }
  if (!list(control.forReadBack(), listed, now).status.ok()) {
    return;
  }
  if (fulfilled(rows.first(removed), rows.subspan(removed), listed)) {
    failure = failureOf(0, netlink::done());
  } else if (now == generation + 1) {
    failure.unknown = false; // one transaction was applied, and it was not ours
  }
}

} // namespace nftables
