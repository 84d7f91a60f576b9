// Rows to elements of nf_tables and back.
#pragma once

#include "nftables/maps.h"
#include "nftables/message.h"

#include <vector>

namespace nftables {

enum class Detail : uint8_t {
  key,  // enough to delete it
  full, // key, mark, rule and comment
};

// Appends one element to an open NFTA_SET_ELEM_LIST_ELEMENTS.
void writeElement(Writer& writer, const MapDefinition& map, const Element& element, Detail detail);

// Appends the rows of one NFTA_SET_ELEM_LIST_ELEMENTS. False when it is malformed, and when one of them cannot be a
// row, `problem` saying why: our maps are open to everybody with nft, and leaving out what we do not understand would
// be a lie.
[[nodiscard]] bool readElements(Bytes list, const MapDefinition& map, std::vector<Element>& rows, std::string& problem);

// The order of keys: family, addresses, what else rules ask for. Keys that are not less than each other are the same.
[[nodiscard]] bool keyLess(const Element& left, const Element& right);

} // namespace nftables
