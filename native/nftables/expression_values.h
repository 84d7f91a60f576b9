// Values inside the attributes of expressions.
#pragma once

#include "nftables/message.h"

namespace nftables {

inline uint32_t number(Bytes attributes, uint16_t type) {
  uint32_t value = 0;
  (void)readU32(findAttribute(attributes, type), value);
  return value;
}

inline Bytes value(Bytes attributes, uint16_t type) {
  return findAttribute(findAttribute(attributes, type), NFTA_DATA_VALUE);
}

} // namespace nftables
