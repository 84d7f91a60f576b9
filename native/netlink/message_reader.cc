#include "netlink/message_reader.h"

namespace netlink {
namespace {

constexpr int highestErrno = 4095; // MAX_ERRNO of the kernel

// The kernel sends errnos as negative numbers. None: out of range.
std::optional<int> errnoOf(int code) {
  return code <= 0 && code >= -highestErrno ? std::optional(-code) : std::nullopt;
}

} // namespace

bool MessageReader::next(Message& message) {
  const size_t left = bytes_.size() - position_;
  if (left == 0) {
    return false;
  }
  if (left >= sizeof(nlmsghdr)) {
    message.header = load<nlmsghdr>(bytes_.data() + position_);
    const size_t length = message.header.nlmsg_len;
    if (length >= sizeof(nlmsghdr) && length <= left) {
      message.payload = bytes_.subspan(position_ + sizeof(nlmsghdr), length - sizeof(nlmsghdr));
      const size_t step = align4(length);
      position_ = step < left ? position_ + step : bytes_.size();
      return true;
    }
  }
  malformed_ = true;
  position_ = bytes_.size();
  return false;
}

bool parseAcknowledgement(const Message& message, Acknowledgement& ack) {
  if (message.payload.size() < sizeof(nlmsgerr)) {
    return false;
  }
  const auto body = load<nlmsgerr>(message.payload.data());
  const std::optional<int> error = errnoOf(body.error);
  if (!error) {
    return false;
  }
  ack.error = *error;
  if ((message.header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) {
    return true;
  }
  // An error repeats the whole request unless NETLINK_CAP_ACK capped it to the header.
  size_t echoed = sizeof(nlmsghdr);
  if (ack.error != 0 && (message.header.nlmsg_flags & NLM_F_CAPPED) == 0) {
    echoed = align4(body.msg.nlmsg_len);
  }
  const size_t start = sizeof(body.error) + echoed;
  if (start > message.payload.size()) {
    return false;
  }
  AttributeReader reader(message.payload.subspan(start));
  Attribute attribute;
  while (reader.next(attribute)) {
    if (attribute.type == NLMSGERR_ATTR_MSG) {
      const auto* text = reinterpret_cast<const char*>(attribute.payload.data());
      ack.text.assign(text, strnlen(text, attribute.payload.size()));
    } else if (attribute.type == NLMSGERR_ATTR_OFFS && attribute.payload.size() == sizeof(uint32_t)) {
      ack.offset = load<uint32_t>(attribute.payload.data());
    } else if (attribute.type == 5 /* NLMSGERR_ATTR_MISS_TYPE, Linux 6.1+ */ &&
               attribute.payload.size() == sizeof(uint32_t)) {
      ack.missing = static_cast<uint16_t>(load<uint32_t>(attribute.payload.data()));
    }
  }
  return !reader.malformed();
}

std::optional<int> doneError(const Message& message) {
  if (message.payload.size() < sizeof(int)) {
    return 0;
  }
  return errnoOf(load<int>(message.payload.data()));
}

} // namespace netlink
