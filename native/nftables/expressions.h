// Writes rules as the kernel stores them: lists of expressions that work on registers. The expressions are the ones
// that nft generates for the same rule, so that `nft list` prints familiar syntax.
#pragma once

#include "nftables/maps.h"
#include "nftables/message.h"

namespace nftables {

// jump CHAIN
void writeJump(Writer& writer, std::string_view chain);

// meta nfproto FAMILY meta mark set DADDR . meta l4proto . th dport map @MAP
// If the map has no entry for a packet, the rule ends and the mark stays.
void writeLookup(Writer& writer, const MapDefinition& map);

// The counter expression of a map, which the kernel copies to every element.
void writeMapCounter(Writer& writer, uint16_t type);

// The matches and statements of a row in a chain.
void writeRule(Writer& writer, const Element& element);

} // namespace nftables
