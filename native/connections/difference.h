// What changed between two passes over the connection table.
#pragma once

#include "connections/connection.h"
#include "connections/reader.h"

namespace ipvs {

// Rows of a table with the engines of those that have one.
struct ConnectionBlock {
  std::span<const Connection> rows;
  std::span<const std::byte> engines;
};

// Numbers of rows, counted through all blocks.
struct ConnectionDifference {
  std::vector<uint32_t> opened;  // rows of the later table
  std::vector<uint32_t> changed; // pairs: row of the earlier and of the later table, whose states differ
  std::vector<uint32_t> closed;  // rows of the earlier table
};

// Both without rows that come twice, as readers answer them.
[[nodiscard]] ConnectionDifference compareConnections(std::span<const ConnectionBlock> earlier,
                                                      std::span<const ConnectionBlock> later);

} // namespace ipvs
