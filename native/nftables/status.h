// What keeps the rows of our table from having an effect: for programs, as lines of words.
#pragma once

#include "nftables/table_objects.h"

namespace nftables {

// A line for each problem:
//   dormant                  no packet sees the table
//   chain NAME               it lacks
//   jump FROM TO             it lacks, or comes too late
//   lookup MAP               it lacks
//   obstacle CHAIN HANDLE    a rule of others ends the way of all packets before ours
//   surplus CHAIN HANDLE     a jump or lookup that is there twice, or where it comes too late
//   temporary CHAIN HANDLE   a rule of a change that is under way or was cut off
// The first five keep rows that are there from having an effect.
[[nodiscard]] std::string statusText(const Objects& objects, std::span<const Element> rows);

} // namespace nftables
