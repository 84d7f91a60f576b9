// The objects around the elements: table, chains, rules and maps. What is there is asked anew for every change: others
// may have removed a part, or all of it (`nft flush ruleset`).
#pragma once

#include "nftables/maps.h"
#include "nftables/message.h"

#include <span>
#include <vector>

namespace nftables {

// A rule, by the kernel's number of it.
struct RuleAt {
  ChainNumber chain;
  uint64_t handle;
};

struct Objects {
  uint32_t generation = 0; // of the ruleset, when it was asked
  bool table = false;
  uint32_t tableFlags = 0;
  bool dormant = false; // no packet sees the table; of what is missing: that it is not
  bool chain[chainCount] = {};
  bool jump[jumpCount] = {}; // rules that do for every packet what they should
  bool map[mapCount] = {};
  bool lookup[mapCount] = {};    // such rules in the chain `marks`
  std::vector<RuleAt> surplus;   // jumps and lookups that are there twice, or where they come too late
  std::vector<RuleAt> obstacles; // other people's rules that end the way of all packets before jumps or lookups
  std::vector<uint64_t> bridges; // handles of rules that an earlier change should have removed: bridge.h
};

// What rows need.
struct Needs {
  bool map[mapCount] = {};
  bool chain[chainCount] = {}; // special, srcnat, dstnat
};

[[nodiscard]] Needs needsOf(std::span<const Element> rows);

// The same, and what is needed for all maps and chains that are there.
[[nodiscard]] Needs withExisting(Needs needs, const Objects& existing);

// Asks the kernel. An object that has one of our names but not its shape is a failure: it is not ours to change.
[[nodiscard]] Failure findObjects(netlink::Channel& channel, const std::string& table, const Control& control,
                                  Objects& objects);

// What is missing for all that is needed to have an effect, and what is too much. Nothing when nothing is needed.
[[nodiscard]] Objects missingObjects(const Objects& existing, const Needs& needs);

[[nodiscard]] bool nothing(const Objects& objects);

// Appends messages that create `missing` and remove its surplus.
void createObjects(Batch& batch, const std::string& table, const Objects& missing);

// NFT_MSG_DELRULE.
void appendRuleRemoval(Batch& batch, const std::string& table, const RuleAt& rule);

} // namespace nftables
