// Rules as the kernel sees them: lists of expressions working on registers. What is written here is what nft writes for
// the same rule, so that nft shows it as people know it.
#pragma once

#include "nftables/maps.h"
#include "nftables/message.h"

namespace nftables {

// jump CHAIN
void writeJump(Writer& writer, std::string_view chain);

// meta nfproto FAMILY meta mark set DADDR . meta l4proto . th dport map @MAP
// A packet that the map does not know ends the rule and keeps the mark it has.
void writeLookup(Writer& writer, const MapDefinition& map);

// counter, for all elements that a map will have, as an attribute of the map.
void writeMapCounter(Writer& writer, uint16_t type);

// What a rule of its own asks of a packet, and does with it.
void writeRule(Writer& writer, const Element& element);

} // namespace nftables
