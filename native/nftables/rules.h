// Converts rows in our chains to messages and back.
#pragma once

#include "nftables/maps.h"
#include "nftables/message.h"

namespace nftables {

// NFT_MSG_NEWRULE: appended to its chain if it has a source or an interface, else inserted at the front. The last
// matching rule takes precedence.
void appendRule(Batch& batch, const std::string& table, const Element& element);

// NFT_MSG_DELRULE, by handle.
void appendRuleRemoval(Batch& batch, const std::string& table, const Element& element);

// True for a rule of our table in one of the chains for rows, which `place` returns.
[[nodiscard]] bool isRow(Bytes attributes, Place& place);

// Reads a rule as a row. False if a row cannot express it, with `problem` set: our chains can be edited with nft, and a
// list without such rules would be wrong.
[[nodiscard]] bool readRule(Bytes attributes, Place place, Element& element, std::string& problem);

} // namespace nftables
