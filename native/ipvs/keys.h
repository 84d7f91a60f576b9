// Rows of a dump, and what identifies each.
#pragma once

#include "ipvs/schema.h"

#include <array>
#include <vector>

namespace ipvs {

using Row = std::vector<std::byte>;

// What identifies a row among those of its dump.
using Key = std::array<std::byte, 32>;

[[nodiscard]] Key keyOf(const netlink::Record& record, const std::byte* row);

// Removes rows that repeat an earlier one, and gives the keys of all, sorted.
[[nodiscard]] std::vector<Key> distinct(const netlink::Record& record, Row& rows, bool& repeated);

} // namespace ipvs
