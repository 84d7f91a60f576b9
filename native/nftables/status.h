// Problems of our table that keep rows from having an effect, in a format for programs.
#pragma once

#include "nftables/table_objects.h"

namespace nftables {

// One line per problem:
//   dormant                  the table is dormant: packets skip it
//   chain NAME               missing chain
//   jump FROM TO             missing jump, or one behind the jump to `special`
//   lookup MAP               missing rule that looks up the map
//   obstacle CHAIN HANDLE    a foreign rule in front of ours that ends the chain for all packets
//   surplus CHAIN HANDLE     a jump or lookup that is a duplicate, or in the wrong position
//   temporary CHAIN HANDLE   a temporary rule of a running or interrupted change (bridge.h)
// The first five keep existing rows from having an effect.
[[nodiscard]] std::string statusText(const Objects& objects, std::span<const Element> rows);

} // namespace nftables
