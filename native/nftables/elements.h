// Converts rows to elements of nf_tables and back.
#pragma once

#include "nftables/maps.h"
#include "nftables/message.h"

#include <vector>

namespace nftables {

enum class Detail : uint8_t {
  key,  // for deletion
  full, // key, mark, rule and comment
};

// Appends one element to an open NFTA_SET_ELEM_LIST_ELEMENTS.
void writeElement(Writer& writer, const MapDefinition& map, const Element& element, Detail detail);

// Appends the rows of one NFTA_SET_ELEM_LIST_ELEMENTS. False if it is malformed, or if a row cannot express an element;
// `problem` is set in the second case. Our maps can be edited with nft, and a list without such elements would be
// wrong.
[[nodiscard]] bool readElements(Bytes list, const MapDefinition& map, std::vector<Element>& rows, std::string& problem);

// The order of rows by key: family, addresses, other conditions.
[[nodiscard]] bool keyLess(const Element& left, const Element& right);

} // namespace nftables
