// What the expressions of a rule say, whoever wrote them: our own rules when they come back from the kernel or from
// `nft -f`, and other people's as far as firewall marks are concerned.
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
  std::optional<uint32_t> mark; // none: only the kernel knows, when the packet is there
  uint32_t mask = UINT32_MAX;   // the bits that are set
  std::string map;              // where the mark is looked up; empty: in none
};

struct Meaning {
  bool understood = true; // false: the rule says more than these members do
  uint8_t family = 0;     // AF_INET, AF_INET6; 0: both
  std::optional<uint8_t> protocol;
  Bounds source;
  Bounds destination;
  Bounds sourcePort;
  Bounds destinationPort;
  std::string interface; // with a * at the end: all that begin so
  bool counter = false;
  uint64_t packets = 0;
  uint64_t bytes = 0;
  std::vector<MarkEffect> marks;
  std::string lookup; // the set it looks up; empty: none
  std::string jump;   // the chain it jumps to; empty: none
  bool ends = false;  // no packet that it is for gets to the rules behind it
  bool masquerade = false;
  std::optional<uint16_t> redirect; // port; 0: stays
};

// `family`: of the rule's table, as nfgenmsg has it.
[[nodiscard]] Meaning interpret(Bytes expressions, uint8_t family);

// A counter as the expression of an element or in a list. False: it is something else.
[[nodiscard]] bool readCounter(Bytes expression, uint64_t& packets, uint64_t& bytes);

} // namespace nftables
