// Our table in nft syntax.
#pragma once

#include "nftables/table_objects.h"

#include <span>

namespace nftables {

// Input for `nft -f` that replaces the table by one with these objects and rows.
[[nodiscard]] std::string exportText(const std::string& table, const Objects& objects, std::span<const Element> rows);

} // namespace nftables
