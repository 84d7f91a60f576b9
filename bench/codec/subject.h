// One thing to count: a piece of the codec that works on many items.
#pragma once

#include "netlink/attribute.h"

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

struct Subject {
  const char* name;
  // Sets itself up, the same whatever `items` is, and works on that many items; answers a checksum of the results, so
  // that nothing can be left out.
  size_t (*run)(size_t items);
};

size_t encodeServices(size_t items);
size_t encodeDestinations(size_t items);
size_t decodeServices(size_t items);
size_t decodeDestinations(size_t items);
size_t findRepeated(size_t items);
size_t sumKeys(size_t items);
size_t packPlainItems(size_t items);

// A new subject is a function and a line here.
inline constexpr Subject subjects[] = {
    {"encodeService", encodeServices}, {"encodeDestination", encodeDestinations},
    {"decodeService", decodeServices}, {"decodeDestination", decodeDestinations},
    {"findRepeated", findRepeated},    {"sumKeys", sumKeys},
    {"packItem", packPlainItems},
};

// A message that a real kernel sent, from the golden files of the codec's tests; ends the program without it.
std::vector<std::byte> golden(const std::string& name);

} // namespace bench
