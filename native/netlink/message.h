// Messages inside a datagram: framing, acknowledgements and extended acknowledgements.
#pragma once

#include "netlink/attribute.h"

#include <linux/genetlink.h>
#include <linux/netfilter/nfnetlink.h>

#include <optional>
#include <string>

namespace netlink {

struct Message {
  nlmsghdr header{};
  Bytes payload; // after the nlmsghdr
};

// Walks the messages of one datagram with the same care as AttributeReader: all lengths come from outside.
class MessageReader {
public:
  explicit MessageReader(Bytes datagram) : bytes_(datagram) {}

  bool next(Message& message);
  [[nodiscard]] bool malformed() const { return malformed_; }

private:
  Bytes bytes_;
  size_t position_ = 0;
  bool malformed_ = false;
};

// An NLMSG_ERROR: with `error` 0 an acknowledgement.
struct Acknowledgement {
  int error = 0;        // errno, positive
  std::string text;     // the kernel's own words, if any
  size_t offset = 0;    // of the attribute that was refused, from the start of the request's nlmsghdr; 0: not given
  uint16_t missing = 0; // number of an attribute that the kernel missed; 0: not given
};

[[nodiscard]] bool parseAcknowledgement(const Message& message, Acknowledgement& ack);

// The error number of an NLMSG_DONE, positive. A DONE without one counts as 0. None: it makes no sense.
[[nodiscard]] std::optional<int> doneError(const Message& message);

} // namespace netlink
