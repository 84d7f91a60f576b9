// The two kinds of rules in our table, as the kernel sees them: lists of expressions working on registers.
#pragma once

#include "nftables/maps.h"
#include "nftables/message.h"

namespace nftables {

// jump CHAIN
void writeJump(Writer& writer, std::string_view chain);

// meta nfproto FAMILY meta mark set DADDR . meta l4proto . th dport map @MAP
// A packet that the map does not know ends the rule and keeps the mark it has.
void writeLookup(Writer& writer, const MapDefinition& map);

// What the expressions of a listed rule say about it.
struct RuleSummary {
  std::string lookup; // the set it looks up; empty: none
  std::string jump;   // the chain it jumps to; empty: none
};

[[nodiscard]] RuleSummary summarize(Bytes expressions);

} // namespace nftables
