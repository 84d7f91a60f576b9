#include "netlink/route.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>

namespace netlink {

Status readRoute(Channel& channel, const Control& control, uint8_t family, Bytes address, uint32_t mark, Route& route) {
  route = {RTN_UNREACHABLE, 0};
  rtmsg header{};
  header.rtm_family = family;
  header.rtm_dst_len = static_cast<uint8_t>(address.size() * 8);
  Batch& batch = channel.compose();
  Writer writer = batch.begin(RTM_GETROUTE, 0);
  writer.append(&header, sizeof header);
  writer.attribute(RTA_DST, address.data(), address.size());
  if (mark != 0) {
    writer.attribute(RTA_MARK, &mark, sizeof mark);
  }
  batch.end();
  batch.acknowledge();
  Replies replies;
  const Status status = channel.exchange(control, replies, [&route](size_t, const Message& message) {
    if (message.header.nlmsg_type != RTM_NEWROUTE || message.payload.size() < sizeof(rtmsg)) {
      return false;
    }
    route.type = load<rtmsg>(message.payload.data()).rtm_type;
    AttributeReader reader(message.payload.subspan(sizeof(rtmsg)));
    Attribute attribute;
    while (reader.next(attribute)) {
      if (attribute.type == RTA_OIF && attribute.payload.size() == sizeof route.interface) {
        route.interface = load<uint32_t>(attribute.payload.data());
      }
    }
    return !reader.malformed();
  });
  if (!status.ok()) {
    return status;
  }
  const Acknowledgement* refusal = replies.refusal(0);
  const bool noRoute = refusal != nullptr && (refusal->error == ENETUNREACH || refusal->error == EHOSTUNREACH ||
                                              refusal->error == EACCES || refusal->error == EINVAL);
  return refusal == nullptr || noRoute ? done() : rejected(refusal->error);
}

} // namespace netlink
