// User data of elements and rules: comments of nft, and our rule ids. The kernel stores it uninterpreted.
#pragma once

#include "nftables/element.h"
#include "nftables/message.h"

namespace nftables {

// Appends comment and rule id of `element` as an attribute of this type. No attribute if both are absent.
void writeUserData(Writer& writer, uint16_t type, const Element& element);

void readUserData(Bytes data, Element& element);

} // namespace nftables
