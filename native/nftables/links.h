// Jumps and lookups: the rules in our chains that lead packets to the rows. They are known by what they do, not by
// their handles or user data: those who reload a saved table, or write the rule themselves, get the same effect.
#pragma once

#include "nftables/table_objects.h"

namespace nftables {

struct Meaning;

// Takes the rules of the table one after the other, as a dump has them: chain by chain, in the order of each.
class LinkReader {
public:
  explicit LinkReader(Objects& objects) : objects_(objects) {}

  // False: the message is no rule.
  [[nodiscard]] bool take(const Message& message);

private:
  [[nodiscard]] bool takeJump(ChainNumber chain, uint64_t handle, const Meaning& rule);
  [[nodiscard]] bool takeLookup(ChainNumber chain, uint64_t handle, const Meaning& rule);
  void found(ChainNumber chain);

  Objects& objects_;
  std::vector<RuleAt> endings_; // that no jump or lookup stands behind so far
};

} // namespace nftables
