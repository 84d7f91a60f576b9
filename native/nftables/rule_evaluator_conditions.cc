// Comparisons, sets and verdicts.
#include "nftables/rule_evaluator.h"

#include "nftables/expression_values.h"
#include "nftables/set_entries.h"

#include <algorithm>

namespace nftables {
namespace {

// True for a comparison with lo, which traced packets never use. The index of lo is 1 in every namespace.
bool isLoopback(bool name, bool index, Bytes wanted) {
  constexpr std::byte letters[] = {std::byte{'l'}, std::byte{'o'}, std::byte{0}};
  return (name && wanted.size() >= sizeof letters && std::ranges::equal(wanted.first(sizeof letters), letters)) ||
         (index && wanted.size() == sizeof(uint32_t) && netlink::load<uint32_t>(wanted.data()) == 1);
}

} // namespace

void RuleEvaluator::compare(Bytes data) {
  const Bytes wanted = value(data, NFTA_CMP_DATA);
  const std::span<KnownByte> source = at(data, NFTA_CMP_SREG, wanted.size());
  const uint32_t operation = number(data, NFTA_CMP_OP);
  const Tag tag = tagOf(data, NFTA_CMP_SREG);
  if (wanted.size() != source.size()) {
    return need(Truth::maybe);
  }
  if (tag == Tag::mark && operation == NFT_CMP_EQ && wanted.size() == sizeof(uint32_t)) {
    recordMarkMatch(netlink::load<uint32_t>(wanted.data()));
  }
  Truth equal = within(source, wanted, wanted);
  if (isLoopback(tag == Tag::interface, tag == Tag::index, wanted)) {
    equal = Truth::no;
  }
  const std::vector<std::byte> lowest(wanted.size(), std::byte{0});
  switch (operation) {
  case NFT_CMP_EQ:
    return need(equal);
  case NFT_CMP_NEQ:
    return need(negate(equal));
  case NFT_CMP_LTE:
    return need(within(source, lowest, wanted));
  case NFT_CMP_GT:
    return need(negate(within(source, lowest, wanted)));
  case NFT_CMP_LT:
    return need(both(within(source, lowest, wanted), negate(equal)));
  case NFT_CMP_GTE:
    return need(negate(both(within(source, lowest, wanted), negate(equal))));
  default:
    return need(Truth::maybe);
  }
}

void RuleEvaluator::range(Bytes data) {
  const Bytes from = value(data, NFTA_RANGE_FROM_DATA);
  const Bytes to = value(data, NFTA_RANGE_TO_DATA);
  const Truth inside = within(at(data, NFTA_RANGE_SREG, from.size()), from, to);
  need(number(data, NFTA_RANGE_OP) == NFT_RANGE_NEQ ? negate(inside) : inside);
}

void RuleEvaluator::immediate(Bytes data) {
  const Bytes content = findAttribute(data, NFTA_IMMEDIATE_DATA);
  if (number(data, NFTA_IMMEDIATE_DREG) == NFT_REG_VERDICT) {
    return finish(readVerdict(findAttribute(content, NFTA_DATA_VERDICT)));
  }
  std::array<KnownByte, registerBytes> bytes;
  const Bytes constant = findAttribute(content, NFTA_DATA_VALUE);
  const size_t length = std::min(constant.size(), registerBytes);
  std::ranges::transform(constant.first(length), bytes.begin(), [](std::byte byte) { return KnownByte::of(byte); });
  put(data, NFTA_IMMEDIATE_DREG, std::span(bytes).first(length));
}

Truth RuleEvaluator::find(const RulesetSet& set, std::span<const KnownByte> key, Tag tag,
                          const SetEntry*& found) const {
  Truth present = Truth::no;
  const SetEntry* otherwise = nullptr;
  for (const SetEntry& entry : set.entries) {
    if (entry.catchall) {
      otherwise = &entry;
      continue;
    }
    Truth same = Truth::yes;
    const std::span<const KnownByte> part = key.first(std::min(key.size(), entry.from.size()));
    if (set.fields.empty()) {
      same = within(part, entry.from, entry.to);
    }
    size_t start = 0;
    for (const size_t field : set.fields) {
      const size_t length = std::min(field, part.size() - std::min(start, part.size()));
      same = both(same, length == 0 ? Truth::yes
                                    : within(part.subspan(start, length), Bytes(entry.from).subspan(start, length),
                                             Bytes(entry.to).subspan(start, length)));
      start += netlink::align4(field);
    }
    if (isLoopback(tag == Tag::interface, tag == Tag::index, entry.from) && entry.from == entry.to) {
      same = Truth::no;
    }
    if (same == Truth::yes) {
      found = &entry;
      return Truth::yes;
    }
    present = same == Truth::maybe ? same : present;
  }
  if (present == Truth::no && otherwise != nullptr) {
    found = otherwise;
    return Truth::yes;
  }
  return present;
}

void RuleEvaluator::lookup(Bytes data) {
  const auto set = table_->sets.find(readText(findAttribute(data, NFTA_LOOKUP_SET)));
  const bool inverted = (number(data, NFTA_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV) != 0;
  const bool map = !findAttribute(data, NFTA_LOOKUP_DREG).empty();
  const bool verdicts = map && number(data, NFTA_LOOKUP_DREG) == NFT_REG_VERDICT;
  const SetEntry* found = nullptr;
  Truth present = Truth::maybe;
  if (set != table_->sets.end()) {
    present = find(set->second, at(data, NFTA_LOOKUP_SREG), tagOf(data, NFTA_LOOKUP_SREG), found);
  }
  need(inverted ? negate(present) : present);
  if (!map || present == Truth::no) {
    return;
  }
  if (verdicts) {
    return finish(found != nullptr && found->verdict ? *found->verdict : Verdict{RuleResult::undefined, {}});
  }
  if (found == nullptr) {
    return putUnknown(data, NFTA_LOOKUP_DREG);
  }
  std::array<KnownByte, registerBytes> bytes;
  const size_t length = std::min(found->data.size(), registerBytes);
  std::ranges::transform(std::span(found->data).first(length), bytes.begin(),
                         [](std::byte byte) { return KnownByte::of(byte); });
  put(data, NFTA_LOOKUP_DREG, std::span(bytes).first(length));
}

} // namespace nftables
