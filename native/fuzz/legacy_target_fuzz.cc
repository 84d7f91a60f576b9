// libFuzzer: targets of iptables are never read out of bounds.
#include "nftables/legacy_target.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto effect = nftables::readLegacyTarget({reinterpret_cast<const std::byte*>(data), size});
  if (effect && effect->mark && (*effect->mark & ~effect->mask) != 0) {
    std::abort();
  }
  return 0;
}
