// Rules of their own in our chains: rows to messages and back.
#pragma once

#include "nftables/maps.h"
#include "nftables/message.h"

namespace nftables {

// NFT_MSG_NEWRULE: in its chain behind those that are there, or in front of them if they shall prevail.
void appendRule(Batch& batch, const std::string& table, const Element& element);

// NFT_MSG_DELRULE, by handle.
void appendRuleRemoval(Batch& batch, const std::string& table, const Element& element);

// True when the message is about a rule of our table that stands in a chain for rows. `place`: which.
[[nodiscard]] bool isRow(Bytes attributes, Place& place);

// The row that such a rule is. False when it is none of ours, `problem` saying so: our chains are open to everybody
// with nft, and leaving out what we do not understand would be a lie.
[[nodiscard]] bool readRule(Bytes attributes, Place place, Element& element, std::string& problem);

} // namespace nftables
