// libFuzzer: the messages of a datagram lie inside it and do not overlap, and acknowledgements are read within bounds.
#include "netlink/message_reader.h"

#include <cstdlib>

namespace {

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void readAcknowledgement(const netlink::Message& message) {
  netlink::Acknowledgement ack;
  if (netlink::parseAcknowledgement(message, ack)) {
    check(ack.error >= 0);
    check(ack.text.size() <= message.payload.size());
  }
  check(netlink::doneError(message).value_or(0) >= 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const netlink::Bytes datagram(reinterpret_cast<const std::byte*>(data), size);
  netlink::MessageReader reader(datagram);
  netlink::Message message;
  const std::byte* end = datagram.data();
  while (reader.next(message)) {
    check(message.payload.data() >= end + sizeof(nlmsghdr));
    end = message.payload.data() + message.payload.size();
    check(end <= datagram.data() + size);
    readAcknowledgement(message);
  }
  return 0;
}
