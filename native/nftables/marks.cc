#include "nftables/marks.h"

#include <algorithm>
#include <cerrno>

namespace nftables {
namespace {

constexpr int listAttempts = 10;

bool sameRows(const std::vector<Element>& left, const std::vector<Element>& right) {
  return left.size() == right.size() &&
         (left.empty() || std::memcmp(left.data(), right.data(), left.size() * sizeof(Element)) == 0);
}

} // namespace

Control readBackControl(const Control& control) {
  Control extended = control;
  extended.deadline = std::max(control.deadline, netlink::Clock::now() + readBackTime);
  return extended;
}

Status Marks::open(const Control& control) {
  uint32_t generation = 0;
  return readGeneration(channel_, control, generation);
}

// Element dumps are never flagged as torn (rule dumps are): a transaction in between shows in the generation. What does
// not show there is a hash table growing in the background after a big change, or a transaction that was tried and
// given up: both shift elements between the datagrams of a dump. So a list is good when two passes agree to the byte.
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
    Failure failure = pass(control, rows, missing, interrupted);
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
    if (comparable && sameRows(rows, previous)) {
      std::ranges::sort(rows, keyLess); // hash maps have no order
      return failureOf(0, netlink::done());
    }
    comparable = true;
    std::swap(previous, rows);
  }
  return failureOf(0, {netlink::Cause::conflict, 0});
}

// Reads all maps once, those known to be missing excepted.
Failure Marks::pass(const Control& control, std::vector<Element>& rows, bool (&missing)[mapCount], bool& interrupted) {
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
  return failureOf(0, netlink::done());
}

Failure Marks::readMap(size_t map, const Control& control, std::vector<Element>& rows, bool& missing,
                       bool& interrupted) {
  Batch& batch = channel_.compose();
  Writer writer = beginMessage(batch, NFT_MSG_GETSETELEM, NLM_F_DUMP);
  writer.text(NFTA_SET_ELEM_LIST_TABLE, table_);
  writer.text(NFTA_SET_ELEM_LIST_SET, maps[map].name);
  batch.end();
  std::string problem;
  netlink::Answers answers;
  const Status status = channel_.exchange(control, answers, [&](size_t, const Message& message) {
    Bytes attributes;
    if (!messageAttributes(message, NFT_MSG_NEWSETELEM, attributes)) {
      return false;
    }
    if (!problem.empty()) {
      return true; // hear the rest of the dump, so that the socket is free for the next request
    }
    const Bytes list = findAttribute(attributes, NFTA_SET_ELEM_LIST_ELEMENTS);
    return readElements(list, maps[map], rows, problem) || !problem.empty();
  });
  interrupted = interrupted || answers.interrupted;
  if (!status.ok()) {
    return failureOf(0, status);
  }
  if (const netlink::Acknowledgement* refusal = answers.refusal(0)) {
    missing = refusal->error == ENOENT;
    return failureOf(0, missing ? netlink::done() : netlink::rejected(refusal->error));
  }
  if (!problem.empty()) {
    Failure failure = failureOf(0, netlink::rejected(EOPNOTSUPP));
    failure.attribute = "table";
    failure.message = std::move(problem);
    return failure;
  }
  return failureOf(0, netlink::done());
}

Failure Marks::drop(const Control& control) {
  Batch& batch = channel_.compose();
  beginTransaction(batch, 0);
  Writer writer = beginMessage(batch, NFT_MSG_DELTABLE, 0);
  writer.text(NFTA_TABLE_NAME, table_);
  batch.end();
  endTransaction(batch);
  netlink::Answers answers;
  const Status status = channel_.exchange(control, answers);
  if (!answers.refusals.empty()) {
    const netlink::Acknowledgement& ack = answers.refusals.front().ack;
    return failureOf(0, ack.error == ENOENT ? netlink::done() : refusalStatus(ack.error));
  }
  Failure failure = failureOf(0, status, answers.sent && status.doubtful());
  if (failure.unknown) {
    Objects objects;
    const Failure found = findObjects(channel_, table_, readBackControl(control), objects);
    if (found.status.ok()) {
      failure.unknown = false;
      failure.status = objects.table ? failure.status : netlink::done();
    }
  }
  return failure;
}

} // namespace nftables
