// Targets of iptables. iptables-nft uses them for features without an expression in nf_tables.
#pragma once

#include "nftables/rule_reader.h"

namespace nftables {

// mark = (mark & ~mask) | value. Bits of `value` outside the mask toggle bits of the packet's mark: the result is
// unknown.
[[nodiscard]] MarkEffect markEffect(uint32_t value, uint32_t mask);

// The effect of a target on the mark. None: no effect.
[[nodiscard]] std::optional<MarkEffect> readLegacyTarget(Bytes data);

} // namespace nftables
