#include "nftables/bridge.h"

#include "nftables/expressions.h"
#include "nftables/user_data.h"

#include <algorithm>

namespace nftables {
namespace {

bool inIntervals(const Element& element) { return !isRule(element) && maps[mapOf(element)].interval(); }

int compare(const std::byte (&left)[16], const std::byte (&right)[16]) { return std::memcmp(left, right, sizeof left); }

// Ranges that go, by their first address; `reach`: the last address of this one and all before it.
struct Gone {
  const Element* element;
  const std::byte (*reach)[16];
};

std::vector<Gone> goneRanges(std::span<const Element> removed) {
  std::vector<Gone> gone;
  for (const Element& element : removed) {
    if (inIntervals(element)) {
      gone.push_back({&element, &element.addressTo});
    }
  }
  std::ranges::sort(gone, [](const Gone& left, const Gone& right) {
    return compare(left.element->addressFrom, right.element->addressFrom) < 0;
  });
  for (size_t i = 1; i < gone.size(); ++i) {
    if (compare(*gone[i - 1].reach, *gone[i].reach) > 0) {
      gone[i].reach = gone[i - 1].reach;
    }
  }
  return gone;
}

bool overlap(const Element& left, const Element& right) {
  return left.family == right.family && compare(left.addressFrom, right.addressTo) <= 0 &&
         compare(right.addressFrom, left.addressTo) <= 0 &&
         (left.protocol == right.protocol || left.protocol == 0 || right.protocol == 0) &&
         left.portFrom <= right.portTo && right.portFrom <= left.portTo;
}

bool takesOver(const Element& element, const std::vector<Gone>& gone) {
  auto next = std::ranges::upper_bound(
      gone, element.addressTo, [](const auto& address, const auto& from) { return compare(address, from) < 0; },
      [](const Gone& range) -> const std::byte(&)[16] { return range.element->addressFrom; });
  while (next != gone.begin()) {
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

} // namespace

std::vector<size_t> bridgedRows(std::span<const Element> rows, size_t removed) {
  std::vector<size_t> bridged;
  const std::vector<Gone> gone = goneRanges(rows.first(removed));
  for (size_t row = removed; row < rows.size() && !gone.empty(); ++row) {
    if (inIntervals(rows[row]) && takesOver(rows[row], gone)) {
      bridged.push_back(row);
    }
  }
  return bridged;
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
    Writer writer = beginMessage(batch, NFT_MSG_DELRULE, 0);
    writer.text(NFTA_RULE_TABLE, table);
    writer.text(NFTA_RULE_CHAIN, chains[MARKS].name);
    writer.valueBigEndian(NFTA_RULE_HANDLE, handle);
    batch.end();
  }
}

} // namespace nftables
