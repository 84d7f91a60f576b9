#include "nftables/marks.h"

#include "nftables/export.h"
#include "nftables/rules.h"
#include "nftables/status.h"

#include <algorithm>
#include <cerrno>

namespace nftables {
namespace {

constexpr int listAttempts = 10;

// Equal except for counters.
bool sameRow(const Element& left, const Element& right) {
  constexpr size_t counters = offsetof(Element, packets);
  constexpr size_t behind = offsetof(Element, addressFrom);
  static_assert(behind == counters + sizeof left.packets + sizeof left.bytes);
  const auto* one = reinterpret_cast<const std::byte*>(&left);
  const auto* other = reinterpret_cast<const std::byte*>(&right);
  return std::memcmp(one, other, counters) == 0 &&
         std::memcmp(one + behind, other + behind, sizeof(Element) - behind) == 0;
}

Failure unsupported(std::string problem) {
  Failure failure = failureOf(0, netlink::rejected(EOPNOTSUPP));
  failure.attribute = "table";
  failure.message = std::move(problem);
  return failure;
}

} // namespace

Status Marks::open(const Control& control, bool tidy) {
  uint32_t generation = 0;
  const Status status = readGeneration(channel_, control, generation);
  if (status.ok() && tidy) {
    removeOldBridges(channel_, table_, control);
  }
  return status;
}

// The kernel sets NLM_F_DUMP_INTR in rule dumps, not in element dumps. A transaction between the datagrams of a dump
// changes the generation. Two other events do not, and shift elements between datagrams: a hash table that grows in the
// background after a large change, and an aborted transaction. So a list is valid when two passes agree.
Failure Marks::list(const Control& control, std::vector<Element>& rows, uint32_t& generation) {
  rows.clear();
  if (const Status status = readGeneration(channel_, control, generation); !status.ok()) {
    return failureOf(0, status);
  }
  bool missing[mapCount] = {};
  bool comparable = false;
  std::vector<Element> previous;
  for (int attempt = 0; attempt < listAttempts; ++attempt) {
    bool interrupted = false;
    Failure failure = readOnce(control, rows, missing, interrupted);
    if (!failure.status.ok()) {
      return failure;
    }
    const uint32_t before = generation;
    if (const Status status = readGeneration(channel_, control, generation); !status.ok()) {
      return failureOf(0, status);
    }
    if (interrupted || generation != before) {
      comparable = false;
      std::ranges::fill(missing, false);
      continue;
    }
    if (comparable && std::ranges::equal(rows, previous, sameRow)) {
      std::ranges::sort(rows, keyLess); // hash maps have no order
      return failureOf(0, netlink::done());
    }
    comparable = true;
    std::swap(previous, rows);
  }
  return failureOf(0, {netlink::FailureKind::conflict, 0});
}

// Reads all maps and rules once. Maps in `missing` are skipped.
Failure Marks::readOnce(const Control& control, std::vector<Element>& rows, bool (&missing)[mapCount],
                        bool& interrupted) {
  rows.clear();
  for (size_t map = 0; map < mapCount; ++map) {
    if (missing[map]) {
      continue;
    }
    Failure failure = readMap(map, control, rows, missing[map], interrupted);
    if (!failure.status.ok()) {
      return failure;
    }
  }
  return readRules(control, rows, interrupted);
}

Failure Marks::readMap(size_t map, const Control& control, std::vector<Element>& rows, bool& missing,
                       bool& interrupted) {
  Batch& batch = channel_.compose();
  Writer writer = beginMessage(batch, NFT_MSG_GETSETELEM, NLM_F_DUMP);
  writer.text(NFTA_SET_ELEM_LIST_TABLE, table_);
  writer.text(NFTA_SET_ELEM_LIST_SET, maps[map].name);
  batch.end();
  std::string problem;
  netlink::Replies replies;
  const Status status = channel_.exchange(control, replies, [&](size_t, const Message& message) {
    Bytes attributes;
    if (!messageAttributes(message, NFT_MSG_NEWSETELEM, attributes)) {
      return false;
    }
    if (!problem.empty()) {
      return true; // receive the rest of the dump, so that the socket is free for the next request
    }
    const Bytes list = findAttribute(attributes, NFTA_SET_ELEM_LIST_ELEMENTS);
    return readElements(list, maps[map], rows, problem) || !problem.empty();
  });
  interrupted = interrupted || replies.interrupted;
  if (!status.ok()) {
    return failureOf(0, status);
  }
  if (const netlink::Acknowledgement* refusal = replies.refusal(0)) {
    missing = refusal->error == ENOENT;
    return failureOf(0, missing ? netlink::done() : netlink::rejected(refusal->error));
  }
  return problem.empty() ? failureOf(0, netlink::done()) : unsupported(std::move(problem));
}

Failure Marks::readRules(const Control& control, std::vector<Element>& rows, bool& interrupted) {
  Batch& batch = channel_.compose();
  Writer writer = beginMessage(batch, NFT_MSG_GETRULE, NLM_F_DUMP);
  writer.text(NFTA_RULE_TABLE, table_);
  batch.end();
  std::string problem;
  netlink::Replies replies;
  const Status status = channel_.exchange(control, replies, [&](size_t, const Message& message) {
    Bytes attributes;
    if (!messageAttributes(message, NFT_MSG_NEWRULE, attributes)) {
      return false;
    }
    Place place{};
    const bool row = problem.empty() && isRow(attributes, place);
    return !row || readRule(attributes, place, rows.emplace_back(), problem) || !problem.empty();
  });
  interrupted = interrupted || replies.interrupted;
  if (!status.ok()) {
    return failureOf(0, status);
  }
  const netlink::Acknowledgement* refusal = replies.refusal(0);
  if (refusal != nullptr && refusal->error != ENOENT) { // ENOENT: no such table
    return failureOf(0, netlink::rejected(refusal->error));
  }
  return problem.empty() ? failureOf(0, netlink::done()) : unsupported(std::move(problem));
}

// Objects and rows of the same generation.
Failure Marks::readAll(const Control& control, Objects& objects, std::vector<Element>& rows) {
  for (int attempt = 0; attempt < listAttempts; ++attempt) {
    uint32_t generation = 0;
    Failure failure = readObjects(channel_, table_, control, objects);
    if (failure.status.ok()) {
      failure = list(control, rows, generation);
    }
    if (!failure.status.ok() || generation == objects.generation) {
      return failure;
    }
  }
  return failureOf(0, {netlink::FailureKind::conflict, 0});
}

Failure Marks::status(const Control& control, std::string& text) {
  Objects objects;
  std::vector<Element> rows;
  Failure failure = readAll(control, objects, rows);
  if (failure.status.ok()) {
    text = statusText(objects, rows);
  }
  return failure;
}

Failure Marks::exportTable(const Control& control, std::string& text) {
  Objects objects;
  std::vector<Element> rows;
  Failure failure = readAll(control, objects, rows);
  if (failure.status.ok()) {
    text = exportText(table_, objects, rows);
  }
  return failure;
}

Failure Marks::drop(const Control& control) {
  uint32_t before = 0;
  if (const Status status = readGeneration(channel_, control, before); !status.ok()) {
    return failureOf(0, status);
  }
  Batch& batch = channel_.compose();
  beginTransaction(batch, 0);
  Writer writer = beginMessage(batch, NFT_MSG_DELTABLE, 0);
  writer.text(NFTA_TABLE_NAME, table_);
  batch.end();
  endTransaction(batch);
  netlink::Replies replies;
  const Status status = channel_.exchange(control, replies);
  if (!replies.refusals.empty()) {
    const netlink::Acknowledgement& ack = replies.refusals.front().ack;
    return failureOf(0, ack.error == ENOENT ? netlink::done() : refusalStatus(ack.error));
  }
  Failure failure = failureOf(0, status, replies.sent && status.doubtful());
  if (failure.unknown) {
    Objects objects;
    const Failure found = readObjects(channel_, table_, control.forReadBack(), objects);
    if (found.status.ok() && !objects.table) {
      return failureOf(0, netlink::done());
    }
    // The table exists: if the generation changed, it may have been deleted and created again.
    failure.unknown = !found.status.ok() || objects.generation != before;
  }
  return failure;
}

} // namespace nftables
