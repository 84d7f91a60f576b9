// Differences between two passes over the connection table.
#pragma once

#include "connections/connection.h"
#include "connections/reader.h"

namespace ipvs {

// Rows of a table, and their persistence engines in the format of `Engines`.
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

// Neither table may have duplicate rows; readers return none.
[[nodiscard]] ConnectionDifference compareConnections(std::span<const ConnectionBlock> earlier,
                                                      std::span<const ConnectionBlock> later);

} // namespace ipvs
