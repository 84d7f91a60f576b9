// A subject: a part of the codec that processes many items.
#pragma once

#include "netlink/attribute.h"

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

struct Subject {
  const char* name;
  // Does its setup, which is independent of `items`, and processes that many items. Returns a checksum of the results,
  // so that the compiler cannot remove the work.
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

// A message of a real kernel, from the golden files of the codec's tests. Ends the program if the file is missing.
std::vector<std::byte> golden(const std::string& name);

} // namespace bench
