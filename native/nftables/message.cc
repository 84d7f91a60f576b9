#include "nftables/message.h"

#include <cerrno>

namespace nftables {
namespace {

Writer beginAny(Batch& batch, uint16_t type, uint16_t flags, uint8_t family, uint16_t resource) {
  Writer writer = batch.begin(type, flags);
  const nfgenmsg header{family, NFNETLINK_V0, netlink::networkOrder(resource)};
  writer.append(&header, sizeof header);
  return writer;
}

} // namespace

Writer beginMessage(Batch& batch, uint16_t message, uint16_t flags, uint8_t family) {
  return beginAny(batch, messageType(message), flags, family, 0);
}

void beginTransaction(Batch& batch, uint32_t generation) {
  Writer writer = beginAny(batch, NFNL_MSG_BATCH_BEGIN, 0, NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES);
  if (generation != 0) {
    writer.valueBigEndian(NFNL_BATCH_GENID, generation);
  }
  batch.end();
  batch.guard();
}

void endTransaction(Batch& batch) {
  batch.acknowledge();
  (void)beginAny(batch, NFNL_MSG_BATCH_END, 0, NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES);
  batch.end();
}

bool messageAttributes(const Message& received, uint16_t message, Bytes& attributes) {
  if (received.header.nlmsg_type != messageType(message) || received.payload.size() < sizeof(nfgenmsg)) {
    return false;
  }
  attributes = received.payload.subspan(sizeof(nfgenmsg));
  return true;
}

bool readU32(Bytes payload, uint32_t& value) {
  if (payload.size() != sizeof value) {
    return false;
  }
  value = netlink::networkOrder(netlink::load<uint32_t>(payload.data()));
  return true;
}

std::string readText(Bytes payload) {
  const auto* text = reinterpret_cast<const char*>(payload.data());
  return payload.empty() ? std::string() : std::string(text, strnlen(text, payload.size()));
}

Bytes findAttribute(Bytes attributes, uint16_t type) {
  netlink::AttributeReader reader(attributes);
  netlink::Attribute attribute;
  while (reader.next(attribute)) {
    if (attribute.type == type) {
      return attribute.payload;
    }
  }
  return {};
}

Status refusalStatus(int error) {
  // The reply of nfnetlink to messages of a missing subsystem, after an attempt to load its module.
  const bool missing = error == EINVAL || error == EOPNOTSUPP;
  return missing ? Status{netlink::FailureKind::unavailable, error} : netlink::rejected(error);
}

Status readGeneration(netlink::Channel& channel, const Control& control, uint32_t& generation) {
  generation = 0;
  Batch& batch = channel.compose();
  (void)beginMessage(batch, NFT_MSG_GETGEN, 0);
  batch.end();
  batch.acknowledge();
  netlink::Replies replies;
  const Status status = channel.exchange(control, replies, [&generation](size_t, const Message& message) {
    Bytes attributes;
    return messageAttributes(message, NFT_MSG_NEWGEN, attributes) &&
           readU32(findAttribute(attributes, NFTA_GEN_ID), generation);
  });
  if (!status.ok()) {
    return status;
  }
  if (const netlink::Acknowledgement* refusal = replies.refusal(0)) {
    return refusalStatus(refusal->error);
  }
  return generation == 0 ? Status{netlink::FailureKind::malformed, 0} : netlink::done();
}

} // namespace nftables
