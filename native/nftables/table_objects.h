// The objects around the elements: table, chains, jumps, lookups and maps. Every change reads them anew, as another
// program may have removed some or all of them (`nft flush ruleset`).
#pragma once

#include "nftables/maps.h"
#include "nftables/message.h"

#include <span>
#include <vector>

namespace nftables {

// A rule, by its handle.
struct RuleAt {
  ChainNumber chain;
  uint64_t handle;
};

struct Objects {
  uint32_t generation = 0; // of the ruleset
  bool table = false;
  uint32_t tableFlags = 0;
  bool dormant = false; // packets skip the table; in missingObjects(): the flag must be cleared
  bool chain[chainCount] = {};
  bool jump[jumpCount] = {}; // unconditional jumps
  bool map[mapCount] = {};
  bool lookup[mapCount] = {};    // unconditional lookups in the chain `marks`
  std::vector<RuleAt> surplus;   // duplicate or misplaced jumps and lookups
  std::vector<RuleAt> obstacles; // foreign rules in front of jumps or lookups that end the chain for all packets
  std::vector<uint64_t> bridges; // handles of temporary rules left by an earlier change (bridge.h)
};

// The objects that rows require.
struct Needs {
  bool map[mapCount] = {};
  bool chain[chainCount] = {}; // special, srcnat, dstnat
};

[[nodiscard]] Needs needsOf(std::span<const Element> rows);

// `needs` plus the objects that existing maps and chains require.
[[nodiscard]] Needs withExisting(Needs needs, const Objects& existing);

// Reads the objects. Fails if a chain or map with one of our names has another type: it must not be changed.
[[nodiscard]] Failure readObjects(netlink::Channel& channel, const std::string& table, const Control& control,
                                  Objects& objects);

// Objects to create so that every required map or chain is reachable from a hook, and the surplus to remove. Empty if
// nothing is required.
[[nodiscard]] Objects missingObjects(const Objects& existing, const Needs& needs);

[[nodiscard]] bool isEmpty(const Objects& objects);

// Appends messages that create `missing` and remove its surplus.
void createObjects(Batch& batch, const std::string& table, const Objects& missing);

// NFT_MSG_DELRULE.
void appendRuleRemoval(Batch& batch, const std::string& table, const RuleAt& rule);

} // namespace nftables
