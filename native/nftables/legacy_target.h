// Targets of iptables, which iptables-nft still writes for what nf_tables has no expression for.
#pragma once

#include "nftables/rule_reader.h"

namespace nftables {

// mark = (mark & ~mask) | value. Bits outside the mask would toggle those of the packet: nobody knows to what.
[[nodiscard]] MarkEffect markEffect(uint32_t value, uint32_t mask);

// What a target does to the mark; none: nothing.
[[nodiscard]] std::optional<MarkEffect> readLegacyTarget(Bytes data);

} // namespace nftables
