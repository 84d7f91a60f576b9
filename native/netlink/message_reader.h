// Reads the messages of a received datagram, acknowledgements and extended acknowledgements. batch.h builds requests.
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

// Walks the messages of one datagram. Checks every length, like AttributeReader, and never reads past the datagram.
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

// The content of an NLMSG_ERROR. `error` 0: a positive acknowledgement.
struct Acknowledgement {
  int error = 0;        // errno, positive
  std::string text;     // NLMSGERR_ATTR_MSG; empty: not sent
  size_t offset = 0;    // of the refused attribute, from the start of the request's nlmsghdr; 0: not sent
  uint16_t missing = 0; // number of the missing attribute; 0: not sent
};

[[nodiscard]] bool parseAcknowledgement(const Message& message, Acknowledgement& ack);

// The errno of an NLMSG_DONE, positive; 0 for a DONE without payload. None: not a valid errno.
[[nodiscard]] std::optional<int> doneError(const Message& message);

} // namespace netlink
