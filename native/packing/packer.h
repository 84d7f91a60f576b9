// Validates the common kinds of batch items and converts them to rows. Unusual or invalid items are left to lib/, which
// handles every item and reports errors.
#pragma once

#include "ipvs/commands.h"

#include <span>

namespace ipvs {

// Instead of an operation's code: the item is left to lib/.
inline constexpr uint32_t unusualItem = UINT32_MAX;

// Buffers for the items of one block.
struct PlainItems {
  std::span<Triple> triples;
  std::span<Service> services;
  std::span<Destination> destinations;
  uint32_t serviceCount = 0;
  uint32_t destinationCount = 0;
  uint32_t unusual = 0;
};

// `serialized`: a list with as many items as there are triples. Rows are written from index 0 on;
// zeroed buffers stay zero behind the last row.
void packItems(std::span<const std::byte> serialized, PlainItems& items);

} // namespace ipvs
