// libFuzzer: user data, which any program can write, is read within bounds, and is the same after writing and reading.
#include "nftables/user_data.h"

#include <cstdlib>

namespace {

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nftables::Element element{};
  nftables::readUserData({reinterpret_cast<const std::byte*>(data), size}, element);
  check(element.comment[sizeof element.comment - 1] == '\0');
  std::vector<std::byte> attributes;
  netlink::Writer writer(attributes);
  nftables::writeUserData(writer, NFTA_RULE_USERDATA, element);
  nftables::Element again{};
  nftables::readUserData(nftables::findAttribute(attributes, NFTA_RULE_USERDATA), again);
  check(std::strcmp(element.comment, again.comment) == 0 && element.rule == again.rule);
  return 0;
}
