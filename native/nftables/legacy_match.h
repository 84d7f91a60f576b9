// Matches of iptables' nft variant that rules of firewalls consist of.
#pragma once

#include "nftables/known_bits.h"
#include "nftables/message.h"

namespace nftables {

struct MatchedPacket {
  std::span<const KnownByte> transport; // from the ports on
  KnownWord mark;
  uint32_t state; // NF_CT_STATE bits
  Truth local;    // destination
};

// Attributes of the expression `match`. What is not known here is a maybe.
[[nodiscard]] Truth legacyMatch(Bytes data, const MatchedPacket& packet);

} // namespace nftables
