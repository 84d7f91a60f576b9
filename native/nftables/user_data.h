// What nft and we note at elements and rules: the kernel keeps it and does not look at it.
#pragma once

#include "nftables/element.h"
#include "nftables/message.h"

namespace nftables {

// Comment and rule of `element`, as an attribute of this type; nothing when it has neither.
void writeUserData(Writer& writer, uint16_t type, const Element& element);

void readUserData(Bytes data, Element& element);

} // namespace nftables
