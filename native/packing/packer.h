// Items of a batch as nearly all of them are, checked and made rows of. lib/ does the same for any item, and says what
// is wrong with one; whatever is unusual is left to it.
#pragma once

#include "ipvs/commands.h"

#include <span>

namespace ipvs {

// In place of an operation's code: the item is unusual.
inline constexpr uint32_t unusualItem = UINT32_MAX;

// Room for the items of one block.
struct PlainItems {
  std::span<Triple> triples;
  std::span<Service> services;
  std::span<Destination> destinations;
  uint32_t serviceCount = 0;
  uint32_t destinationCount = 0;
  uint32_t unusual = 0;
};

// `serialized`: a list of as many items as there are triples. Rows are written from the first one on.
void packItems(std::span<const std::byte> serialized, PlainItems& items);

} // namespace ipvs
