// libFuzzer: serialized items are never read out of bounds, triples refer to written rows, and the memory behind these
// is zero, as writers of further rows require.
#include "ipvs/commands.h"
#include "packing/packer.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace {

constexpr size_t count = 4;

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

template <typename Row> bool isZero(const Row& row) {
  const auto bytes = std::as_bytes(std::span(&row, 1));
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::array<ipvs::Triple, count> triples{};
  std::array<ipvs::Service, count> services{};
  std::array<ipvs::Destination, count> destinations{};
  ipvs::PlainItems items{triples, services, destinations};
  ipvs::packItems({reinterpret_cast<const std::byte*>(data), size}, items);
  check(items.serviceCount + items.unusual <= count && items.destinationCount + items.unusual <= count);
  check(std::all_of(services.begin() + items.serviceCount, services.end(), isZero<ipvs::Service>));
  check(std::all_of(destinations.begin() + items.destinationCount, destinations.end(), isZero<ipvs::Destination>));
  for (const ipvs::Triple& triple : triples) {
    if (triple.operation != ipvs::unusualItem) {
      const ipvs::Command& command = ipvs::commandOf(static_cast<ipvs::Operation>(triple.operation));
      check(triple.row < items.serviceCount);
      check(!command.destination || triple.destination < items.destinationCount);
    }
  }
  return 0;
}
