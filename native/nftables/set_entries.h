// Sets of any table as the kernel reports them: the layout of keys, and the elements.
#pragma once

#include "nftables/ruleset.h"

namespace nftables {

// Reads the attributes of NFT_MSG_NEWSET.
[[nodiscard]] RulesetSet describeSet(Bytes attributes);

// Appends the elements of one NFT_MSG_NEWSETELEM of a dump.
void takeEntries(Bytes attributes, RulesetSet& set);

// After the last message: joins the start and end elements that the kernel sends for each interval.
void finishEntries(RulesetSet& set);

[[nodiscard]] Verdict readVerdict(Bytes attributes); // NFTA_VERDICT_*

} // namespace nftables
