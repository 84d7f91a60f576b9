// libFuzzer: expressions of anybody's rule are read without leaving their bytes, and what is understood is in bounds.
// The first byte is the family of the table.
#include "nftables/rule_reader.h"

#include <cstdlib>

namespace {

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const netlink::Bytes expressions(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  const nftables::Meaning meaning = nftables::interpret(expressions, data[0]);
  check(meaning.family == 0 || meaning.family == AF_INET || meaning.family == AF_INET6);
  check(meaning.interface.size() <= size && meaning.jump.size() <= size && meaning.lookup.size() <= size);
  check(meaning.marks.size() <= size);
  for (const nftables::MarkEffect& effect : meaning.marks) {
    check(!effect.mark || (*effect.mark & ~effect.mask) == 0);
  }
  return 0;
}
