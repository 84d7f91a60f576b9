#include "nftables/foreign_marks.h"

#include "nftables/rule_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

namespace nftables {
namespace {

constexpr int attempts = 10;

template <size_t Size> void copyText(const std::string& text, char (&target)[Size]) { text.copy(target, Size - 1); }

uint8_t familyOf(const Message& message) { return netlink::load<nfgenmsg>(message.payload.data()).nfgen_family; }

void takeRule(const Message& message, Bytes attributes, const std::string& ownTable, std::vector<FoundMark>& rows) {
  const uint8_t family = familyOf(message);
  const std::string table = readText(findAttribute(attributes, NFTA_RULE_TABLE));
  if (family == NFPROTO_INET && table == ownTable) {
    return;
  }
  const ParsedRule rule = parseRule(findAttribute(attributes, NFTA_RULE_EXPRESSIONS), family);
  for (const MarkEffect& effect : rule.marks) {
    FoundMark row{};
    row.present = (1U << std::size(foundMarkFields)) - 1;
    row.mark = effect.mark.value_or(0);
    row.mask = effect.mask;
    row.known = effect.mark ? 1 : 0;
    row.family = family;
    if (const Bytes handle = findAttribute(attributes, NFTA_RULE_HANDLE); handle.size() == sizeof row.handle) {
      row.handle = netlink::networkOrder(netlink::load<uint64_t>(handle.data()));
    }
    copyText(table, row.table);
    copyText(readText(findAttribute(attributes, NFTA_RULE_CHAIN)), row.chain);
    copyText(effect.map, row.map);
    rows.push_back(row);
  }
}

// One pass over all rules. `torn`: the ruleset changed during the dump.
Failure readRules(netlink::Channel& channel, const std::string& ownTable, const Control& control,
                  std::vector<FoundMark>& rows, bool& torn) {
  rows.clear();
  Batch& batch = channel.compose();
  (void)beginMessage(batch, NFT_MSG_GETRULE, NLM_F_DUMP, NFPROTO_UNSPEC);
  batch.end();
  netlink::Replies replies;
  const Status status = channel.exchange(control, replies, [&](size_t, const Message& message) {
    Bytes attributes;
    const bool good = messageAttributes(message, NFT_MSG_NEWRULE, attributes);
    if (good) {
      takeRule(message, attributes, ownTable, rows);
    }
    return good;
  });
  torn = replies.interrupted;
  if (!status.ok()) {
    return failureOf(0, status);
  }
  const netlink::Acknowledgement* refusal = replies.refusal(0);
  return failureOf(0, refusal == nullptr ? netlink::done() : refusalStatus(refusal->error));
}

// The marks in a foreign map. `torn`: the map has been deleted.
Failure readMarks(netlink::Channel& channel, const FoundMark& rule, const Control& control, std::set<uint32_t>& marks,
                  bool& torn) {
  Batch& batch = channel.compose();
  Writer writer = beginMessage(batch, NFT_MSG_GETSETELEM, NLM_F_DUMP, rule.family);
  writer.text(NFTA_SET_ELEM_LIST_TABLE, rule.table);
  writer.text(NFTA_SET_ELEM_LIST_SET, rule.map);
  batch.end();
  netlink::Replies replies;
  const Status status = channel.exchange(control, replies, [&marks](size_t, const Message& message) {
    Bytes attributes;
    if (!messageAttributes(message, NFT_MSG_NEWSETELEM, attributes)) {
      return false;
    }
    netlink::AttributeReader reader(findAttribute(attributes, NFTA_SET_ELEM_LIST_ELEMENTS));
    netlink::Attribute element;
    while (reader.next(element)) {
      const Bytes mark = findAttribute(findAttribute(element.payload, NFTA_SET_ELEM_DATA), NFTA_DATA_VALUE);
      if (mark.size() == sizeof(uint32_t)) { // end elements of intervals have none
        marks.insert(netlink::load<uint32_t>(mark.data()));
      }
    }
    return !reader.malformed();
  });
  if (!status.ok()) {
    return failureOf(0, status);
  }
  const netlink::Acknowledgement* refusal = replies.refusal(0);
  torn = torn || (refusal != nullptr && refusal->error == ENOENT);
  return failureOf(0, refusal == nullptr || torn ? netlink::done() : netlink::rejected(refusal->error));
}

// Replaces each row that names a map by one row per mark in the map.
Failure expandMaps(netlink::Channel& channel, const Control& control, std::vector<FoundMark>& rows, bool& torn) {
  std::vector<FoundMark> expanded;
  for (const FoundMark& row : rows) {
    if (row.map[0] == '\0') {
      expanded.push_back(row);
      continue;
    }
    std::set<uint32_t> marks;
    if (Failure failure = readMarks(channel, row, control, marks, torn); !failure.status.ok()) {
      return failure;
    }
    for (const uint32_t mark : marks) {
      FoundMark& entry = expanded.emplace_back(row);
      entry.mark = mark;
      entry.known = 1;
    }
  }
  rows = std::move(expanded);
  return failureOf(0, netlink::done());
}

} // namespace

Failure findMarks(netlink::Channel& channel, const std::string& ownTable, const Control& control,
                  std::vector<FoundMark>& rows) {
  for (int attempt = 0; attempt < attempts; ++attempt) {
    uint32_t before = 0;
    uint32_t after = 0;
    if (const Status status = readGeneration(channel, control, before); !status.ok()) {
      return failureOf(0, status);
    }
    bool torn = false;
    Failure failure = readRules(channel, ownTable, control, rows, torn);
    if (failure.status.ok() && !torn) {
      failure = expandMaps(channel, control, rows, torn);
    }
    if (!failure.status.ok()) {
      return failure;
    }
    if (const Status status = readGeneration(channel, control, after); !status.ok()) {
      return failureOf(0, status);
    }
    if (!torn && after == before) {
      return failureOf(0, netlink::done());
    }
  }
  return failureOf(0, {netlink::FailureKind::conflict, 0});
}

} // namespace nftables
