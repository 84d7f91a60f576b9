// The complete ruleset for IP packets: base chains with their hooks, rules as raw expressions, and the elements of
// sets. trace.h evaluates it.
#pragma once

#include "nftables/message.h"

#include <map>
#include <optional>
#include <vector>

namespace nftables {

struct Verdict {
  int32_t code = 0;  // NF_DROP, NF_ACCEPT, NFT_JUMP...
  std::string chain; // of jump and goto
};

// An element of a set or map.
struct SetEntry {
  std::vector<std::byte> from;
  std::vector<std::byte> to; // inclusive; concatenations are compared field by field
  bool catchall = false;
  bool end = false; // only while reading: the end element of an interval
  std::vector<std::byte> data;
  std::optional<Verdict> verdict;
};

struct RulesetSet {
  std::vector<size_t> fields; // lengths of concatenated fields, each padded to 4 bytes in the key; empty: one field
  bool interval = false;
  std::vector<SetEntry> entries;
};

struct RulesetRule {
  uint64_t handle = 0;
  std::vector<std::byte> expressions;
};

struct RulesetChain {
  std::string name;
  bool base = false;
  uint32_t hook = 0; // NF_INET_*
  int32_t priority = 0;
  int32_t policy = NF_ACCEPT;
  uint64_t handle = 0;
  std::vector<RulesetRule> rules;
};

struct RulesetTable {
  uint8_t family = 0; // NFPROTO_*
  std::string name;
  uint64_t handle = 0;
  uint32_t flags = 0; // NFT_TABLE_F_DORMANT...
  std::map<std::string, RulesetChain> chains;
  std::map<std::string, RulesetSet> sets;
};

// A base chain and its table.
struct HookedChain {
  const RulesetTable* table;
  const RulesetChain* chain;
};

struct Ruleset {
  std::vector<RulesetTable> tables; // of the families ip, ip6 and inet

  // The base chains of a hook for packets of `family` (NFPROTO_IPV4, NFPROTO_IPV6), in order of evaluation. The kernel
  // inserts a new chain in front of existing ones with the same priority, so the youngest comes first.
  [[nodiscard]] std::vector<HookedChain> at(uint32_t hook, uint8_t family) const;
};

// Reads the ruleset of one generation.
[[nodiscard]] Failure readRuleset(netlink::Channel& channel, const Control& control, Ruleset& ruleset);

} // namespace nftables
