// What the kernel says of sets of other people, and of ours: the shape of keys, and the elements.
#pragma once

#include "nftables/ruleset.h"

namespace nftables {

// The attributes of NFT_MSG_NEWSET.
[[nodiscard]] RulesetSet describeSet(Bytes attributes);

// Those of one NFT_MSG_NEWSETELEM of a dump.
void takeEntries(Bytes attributes, RulesetSet& set);

// Once all are there: gives intervals that the kernel tells as two elements their end.
void finishEntries(RulesetSet& set);

[[nodiscard]] Verdict readVerdict(Bytes attributes); // NFTA_VERDICT_*

} // namespace nftables
