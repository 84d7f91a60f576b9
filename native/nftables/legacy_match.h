// The common matches of iptables-nft.
#pragma once

#include "nftables/known_bits.h"
#include "nftables/message.h"

namespace nftables {

struct MatchedPacket {
  std::span<const KnownByte> transport; // header
  KnownWord mark;
  uint32_t state; // NF_CT_STATE bits
  Truth local;    // whether the destination is an address of this host
};

// Evaluates an expression `match` by its attributes. Unsupported matches are `maybe`.
[[nodiscard]] Truth legacyMatch(Bytes data, const MatchedPacket& packet);

} // namespace nftables
