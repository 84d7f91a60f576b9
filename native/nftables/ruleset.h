// All of the packet filter that decides about IP packets: base chains with their hooks, rules as they are, and what the
// sets hold that rules look up. trace.h follows packets through it.
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

// What an element of a map gives.
struct SetEntry {
  std::vector<std::byte> from;
  std::vector<std::byte> to; // included; of concatenations field by field
  bool catchall = false;
  bool end = false; // only while it is being read: where an interval ends
  std::vector<std::byte> data;
  std::optional<Verdict> verdict;
};

struct RulesetSet {
  std::vector<size_t> fields; // lengths of what is concatenated, each rounded up to 4 in the key; empty: one field
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

// A base chain in the order in which packets meet it.
struct HookedChain {
  const RulesetTable* table;
  const RulesetChain* chain;
};

struct Ruleset {
  std::vector<RulesetTable> tables; // of the families ip, ip6 and inet

  // The base chains that packets of `family` (NFPROTO_IPV4, NFPROTO_IPV6) meet at a hook. The kernel puts a new chain
  // before those of its priority that are there, so the youngest comes first.
  [[nodiscard]] std::vector<HookedChain> at(uint32_t hook, uint8_t family) const;
};

// Asks the kernel for all of it, of one generation.
[[nodiscard]] Failure readRuleset(netlink::Channel& channel, const Control& control, Ruleset& ruleset);

} // namespace nftables
