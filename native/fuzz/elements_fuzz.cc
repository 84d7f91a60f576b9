// libFuzzer: elements of a map are refused, or become rows that are the same after writing and reading them. The first
// byte chooses the map.
#include "nftables/elements.h"

#include <cstdlib>

namespace {

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// Compares all bytes of the rows, as readElements() sets all presence bits and padding is zero.
void checkRoundTrip(const nftables::MapDefinition& map, const nftables::Element& row) {
  std::vector<std::byte> list;
  netlink::Writer writer(list);
  nftables::writeElement(writer, map, row, nftables::Detail::full);
  std::vector<nftables::Element> again;
  std::string problem;
  check(nftables::readElements(list, map, again, problem) && again.size() == 1);
  nftables::Element expected = row;
  expected.packets = 0; // counters are not written
  expected.bytes = 0;
  again[0].packets = 0;
  again[0].bytes = 0;
  expected.counter = again[0].counter;
  check(!nftables::keyLess(expected, again[0]) && !nftables::keyLess(again[0], expected));
  check(std::memcmp(&expected, &again[0], sizeof expected) == 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const nftables::MapDefinition& map = nftables::maps[data[0] % nftables::mapCount];
  std::vector<nftables::Element> rows;
  std::string problem;
  if (!nftables::readElements({reinterpret_cast<const std::byte*>(data) + 1, size - 1}, map, rows, problem)) {
    return 0;
  }
  for (const nftables::Element& row : rows) {
    check(nftables::mapOf(row) == data[0] % nftables::mapCount);
    checkRoundTrip(map, row);
  }
  return 0;
}
