// Parses the expressions of a rule: our rules as read from the kernel (also after `nft -f`), and the marks that foreign
// rules set.
#pragma once

#include "nftables/message.h"

#include <optional>
#include <vector>

namespace nftables {

// Bounds of a field of the packet, both included, in network order.
struct Bounds {
  bool given = false;
  std::byte from[16] = {};
  std::byte to[16] = {};
};

// A statement that sets the packet's mark.
struct MarkEffect {
  std::optional<uint32_t> mark; // none: depends on the packet
  uint32_t mask = UINT32_MAX;   // the bits that are replaced
  std::string map;              // map that contains the mark; empty: none
};

struct ParsedRule {
  bool supported = true; // false: the rule has expressions that these members cannot express
  uint8_t family = 0;    // AF_INET, AF_INET6; 0: both
  std::optional<uint8_t> protocol;
  Bounds source;
  Bounds destination;
  Bounds sourcePort;
  Bounds destinationPort;
  std::string interface; // "eth*": all names with this prefix; empty: any
  bool counter = false;
  uint64_t packets = 0;
  uint64_t bytes = 0;
  std::vector<MarkEffect> marks;
  std::string lookup; // set or map; empty: none
  std::string jump;   // target chain; empty: none
  bool ends = false;  // matching packets do not reach the next rule
  bool masquerade = false;
  std::optional<uint16_t> redirect; // port; 0: the packet's own
};

// `family`: NFPROTO_*, of the rule's table.
[[nodiscard]] ParsedRule parseRule(Bytes expressions, uint8_t family);

// Reads a counter expression. False: another expression.
[[nodiscard]] bool readCounter(Bytes expression, uint64_t& packets, uint64_t& bytes);

} // namespace nftables
