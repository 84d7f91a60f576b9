// The objects around the elements: table, chains, rules and maps. What is there is asked anew for every change: others
// may have removed a part, or all of it (`nft flush ruleset`).
#pragma once

#include "nftables/maps.h"
#include "nftables/message.h"

namespace nftables {

struct Objects {
  uint32_t generation = 0; // of the ruleset, when it was asked
  bool table = false;
  bool chain[chainCount] = {};
  bool jump[jumpCount] = {}; // rules
  bool map[mapCount] = {};
  bool lookup[mapCount] = {};    // the rules in the chain `marks`
  std::vector<uint64_t> bridges; // handles of rules that an earlier change should have removed: bridge.h
};

// What rows need.
struct Needs {
  bool map[mapCount] = {};
  bool chain[chainCount] = {}; // special, srcnat, dstnat
};

// Asks the kernel. An object that has one of our names but not its shape is a failure: it is not ours to change.
[[nodiscard]] Failure findObjects(netlink::Channel& channel, const std::string& table, const Control& control,
                                  Objects& objects);

// What is missing for all there is and all that is needed to have an effect. Nothing when there is nothing.
[[nodiscard]] Objects missingObjects(const Objects& existing, const Needs& needs);

[[nodiscard]] bool nothing(const Objects& objects);

// Appends messages that create `missing`.
void createObjects(Batch& batch, const std::string& table, const Objects& missing);

} // namespace nftables
