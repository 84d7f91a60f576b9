#include "netlink/family.h"

#include <cerrno>

namespace netlink {

Writer beginGeneric(Batch& batch, uint16_t family, uint8_t command, uint16_t flags) {
  Writer writer = batch.begin(family, flags);
  const genlmsghdr header{command, 1, 0};
  writer.append(&header, sizeof header);
  return writer;
}

bool genericAttributes(const Message& message, uint8_t& command, Bytes& attributes) {
  if (message.payload.size() < sizeof(genlmsghdr)) {
    return false;
  }
  command = load<genlmsghdr>(message.payload.data()).cmd;
  attributes = message.payload.subspan(sizeof(genlmsghdr));
  return true;
}

Status resolveFamily(Channel& channel, const char* name, const Control& control, uint16_t& id) {
  id = 0;
  Batch& batch = channel.compose();
  Writer writer = beginGeneric(batch, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
  writer.text(CTRL_ATTR_FAMILY_NAME, name);
  batch.end();
  batch.acknowledge();
  Replies replies;
  const Status status = channel.exchange(control, replies, [&id](size_t, const Message& message) {
    uint8_t command = 0;
    Bytes attributes;
    if (!genericAttributes(message, command, attributes)) {
      return false;
    }
    AttributeReader reader(attributes);
    Attribute attribute;
    while (reader.next(attribute)) {
      if (attribute.type == CTRL_ATTR_FAMILY_ID && attribute.payload.size() == sizeof(uint16_t)) {
        id = load<uint16_t>(attribute.payload.data());
      }
    }
    return !reader.malformed();
  });
  if (!status.ok()) {
    return status;
  }
  if (const Acknowledgement* refusal = replies.refusal(0)) {
    return refusal->error == ENOENT ? Status{FailureKind::unavailable, ENOENT} : rejected(refusal->error);
  }
  // The kernel acknowledges messages of a type below NLMSG_MIN_TYPE and ignores them: never use such a number.
  return id < NLMSG_MIN_TYPE ? Status{FailureKind::malformed, 0} : done();
}

} // namespace netlink
