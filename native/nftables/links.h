// Links: the jumps and lookups in our chains that lead packets to the rows. Recognised by their expressions, not by
// handle or user data, so that a table that was reloaded or written by hand works as well.
#pragma once

#include "nftables/table_objects.h"

namespace nftables {

struct ParsedRule;

// Reads the links from a dump of the table's rules: chain by chain, in the order of each chain.
class LinkReader {
public:
  explicit LinkReader(Objects& objects) : objects_(objects) {}

  // False: not a message about a rule.
  [[nodiscard]] bool take(const Message& message);

private:
  [[nodiscard]] bool takeJump(ChainNumber chain, uint64_t handle, const ParsedRule& rule);
  [[nodiscard]] bool takeLookup(ChainNumber chain, uint64_t handle, const ParsedRule& rule);
  void addObstacles(ChainNumber chain);

  Objects& objects_;
  std::vector<RuleAt> endings_; // rules that end their chain for all packets; no link follows them so far
};

} // namespace nftables
