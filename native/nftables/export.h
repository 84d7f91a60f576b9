// Our table in the language of nft.
#pragma once

#include "nftables/table_objects.h"

#include <span>

namespace nftables {

// What `nft -f` makes this table of, in place of the one that is there.
[[nodiscard]] std::string exportText(const std::string& table, const Objects& objects, std::span<const Element> rows);

} // namespace nftables
