// libFuzzer: a lookup of a generic netlink family returns a valid number or a failure. The input is a script
// (scripted_kernel.h).
#include "netlink/family.h"
#include "scripted_kernel.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  scripted::load({reinterpret_cast<const std::byte*>(data), size}, scripted::Lookups::leftToInput);
  netlink::Channel channel(scripted::connector());
  uint16_t id = 0;
  if (netlink::resolveFamily(channel, "IPVS", scripted::control(), id).ok()) {
    scripted::check(id >= NLMSG_MIN_TYPE); // the kernel acknowledges and ignores messages with smaller types
  }
  return 0;
}
