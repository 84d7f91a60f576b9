#include "nftables/set_entries.h"

#include <algorithm>

namespace nftables {
namespace {

uint32_t number(Bytes attributes, uint16_t type) {
  uint32_t value = 0;
  (void)readU32(findAttribute(attributes, type), value);
  return value;
}

std::vector<std::byte> copyOf(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

void takeEntry(Bytes element, RulesetSet& set) {
  SetEntry entry;
  const uint32_t flags = number(element, NFTA_SET_ELEM_FLAGS);
  entry.end = (flags & NFT_SET_ELEM_INTERVAL_END) != 0;
  entry.from = copyOf(findAttribute(findAttribute(element, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE));
  entry.to = copyOf(findAttribute(findAttribute(element, NFTA_SET_ELEM_KEY_END), NFTA_DATA_VALUE));
  entry.catchall = entry.from.empty();
  const Bytes data = findAttribute(element, NFTA_SET_ELEM_DATA);
  entry.data = copyOf(findAttribute(data, NFTA_DATA_VALUE));
  if (const Bytes verdict = findAttribute(data, NFTA_DATA_VERDICT); !verdict.empty()) {
    entry.verdict = readVerdict(verdict);
  }
  set.entries.push_back(std::move(entry));
}

// The predecessor of a key.
std::vector<std::byte> before(std::vector<std::byte> key) {
  for (size_t at = key.size(); at-- > 0;) {
    const bool borrow = key[at] == std::byte{0};
    key[at] = static_cast<std::byte>(static_cast<unsigned>(key[at]) - 1);
    if (!borrow) {
      break;
    }
  }
  return key;
}

} // namespace

Verdict readVerdict(Bytes attributes) {
  return {static_cast<int32_t>(number(attributes, NFTA_VERDICT_CODE)),
          readText(findAttribute(attributes, NFTA_VERDICT_CHAIN))};
}

RulesetSet describeSet(Bytes attributes) {
  RulesetSet set;
  set.interval = (number(attributes, NFTA_SET_FLAGS) & NFT_SET_INTERVAL) != 0;
  netlink::AttributeReader reader(findAttribute(findAttribute(attributes, NFTA_SET_DESC), NFTA_SET_DESC_CONCAT));
  netlink::Attribute field;
  while (reader.next(field)) {
    set.fields.push_back(number(field.payload, NFTA_SET_FIELD_LEN));
  }
  return set;
}

void takeEntries(Bytes attributes, RulesetSet& set) {
  netlink::AttributeReader reader(findAttribute(attributes, NFTA_SET_ELEM_LIST_ELEMENTS));
  netlink::Attribute element;
  while (reader.next(element)) {
    takeEntry(element.payload, set);
  }
}

void finishEntries(RulesetSet& set) {
  std::vector<SetEntry>& entries = set.entries;
  if (set.interval && set.fields.empty()) {
    // Intervals may be adjacent: an end element sorts before a start element with the same key.
    std::ranges::stable_sort(entries, [](const SetEntry& left, const SetEntry& right) {
      return left.from != right.from ? left.from < right.from : left.end && !right.end;
    });
    for (size_t i = 0; i < entries.size(); ++i) {
      const size_t next = i + 1;
      entries[i].to = next < entries.size() ? before(entries[next].from)
                                            : std::vector<std::byte>(entries[i].from.size(), std::byte{0xff});
    }
  }
  std::erase_if(entries, [](const SetEntry& entry) { return entry.end; });
  for (SetEntry& entry : entries) {
    if (entry.to.empty()) {
      entry.to = entry.from;
    }
  }
}

} // namespace nftables
