// libFuzzer: expressions of foreign rules are never read out of bounds, and parsed values are in range. The first byte
// is the family of the table.
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
  const nftables::ParsedRule rule = nftables::parseRule(expressions, data[0]);
  check(rule.family == 0 || rule.family == AF_INET || rule.family == AF_INET6);
  check(rule.interface.size() <= size && rule.jump.size() <= size && rule.lookup.size() <= size);
  check(rule.marks.size() <= size);
  for (const nftables::MarkEffect& effect : rule.marks) {
    check(!effect.mark || (*effect.mark & ~effect.mask) == 0);
  }
  return 0;
}
