#include "netlink/channel.h"

#include <unistd.h>

#include <algorithm>
#include <random>

namespace netlink {
namespace {

// Number of datagrams after which the receive window grows.
constexpr size_t longDump = 4;

// Not ok: aborted, closed or past the deadline.
Status checkControl(const Control& control) {
  if (const FailureKind kind = control.interruption(); kind != FailureKind::none) {
    return {kind, 0};
  }
  return expired(control) ? Status{FailureKind::timeout, 0} : done();
}

// Overhead of a socket buffer: sizeof(skb_shared_info), aligned. mostOverhead: with the largest CONFIG_MAX_SKB_FRAGS.
constexpr size_t overhead = 320;
constexpr size_t mostOverhead = 768;

// The kernel's allocation for a datagram of a dump. It uses the small size on a socket that never made a larger
// receive, and when memory is short.
size_t smallestBuffer() { return std::min<size_t>(static_cast<size_t>(sysconf(_SC_PAGESIZE)), 8192); }
constexpr size_t largestBuffer = 32768;

} // namespace

bool Replies::complete(size_t largest) const {
  const size_t smallest = smallestBuffer();
  const size_t buffer = bytes <= smallest ? smallest : largestBuffer;
  return datagrams == 0 || (datagrams == 1 && bytes + largest + mostOverhead <= buffer);
}

size_t Channel::shortReply() { return smallestBuffer() - overhead; }

Status Channel::open() {
  if (socket_.isOpen()) {
    return done();
  }
  sequence_ = std::random_device()();
  return connector_(socket_);
}

Batch& Channel::compose() {
  batch_.reset(sequence_);
  return batch_;
}

Status Channel::exchange(const Control& control, Replies& replies, const Visitor& visit) {
  replies = {};
  if (const Status status = checkControl(control); !status.ok()) {
    return status;
  }
  if (grown_) {
    socket_.close(); // the kernel never shrinks the datagram size of a socket
    grown_ = false;
  }
  if (const Status status = open(); !status.ok()) {
    return status;
  }
  if (batch_.firstSequence() != sequence_) { // composed before the socket was opened
    batch_.renumber(sequence_);
  }
  sequence_ += static_cast<uint32_t>(batch_.count());
  Status status = socket_.reserveSend(batch_.bytes().size());
  if (status.ok()) {
    status = socket_.send(batch_.bytes(), control);
  }
  replies.sent = status.ok() || status.doubtful();
  if (status.ok()) {
    status = receiveAll(control, replies, visit);
  }
  if (!status.ok()) {
    socket_.close(); // a new socket has a new port, so late replies cannot be mistaken for replies to the next request
  }
  return status;
}

Status Channel::receiveAll(const Control& control, Replies& replies, const Visitor& visit) {
  for (size_t received = 1;; ++received) {
    Bytes datagram;
    const size_t window = replies.datagrams < longDump ? window_ : buffer_.size();
    grown_ = grown_ || window > window_;
    const Status status = socket_.receive(std::span(buffer_).first(window), control, datagram);
    if (!status.ok()) {
      return status;
    }
    MessageReader reader(datagram);
    Message message;
    bool data = false;
    bool last = false;
    while (reader.next(message)) {
      switch (takeMessage(message, replies, visit, data)) {
      case Progress::more:
        break;
      case Progress::last:
        last = true;
        break;
      case Progress::overrun:
        return {FailureKind::overrun, 0};
      case Progress::malformed:
        return {FailureKind::malformed, 0};
      }
    }
    if (reader.malformed()) {
      return {FailureKind::malformed, 0};
    }
    if (data) {
      ++replies.datagrams;
      replies.bytes += datagram.size();
    }
    if (last) {
      return done();
    }
    // Refusals are one datagram each and already queued. A longer stream may be endless: check the deadline.
    if (received > batch_.count()) {
      if (const Status going = checkControl(control); !going.ok()) {
        return going;
      }
    }
  }
}

Channel::Progress Channel::takeMessage(const Message& message, Replies& replies, const Visitor& visit, bool& data) {
  const nlmsghdr& header = message.header;
  if (header.nlmsg_type == NLMSG_OVERRUN) {
    return Progress::overrun;
  }
  const uint32_t index = header.nlmsg_seq - batch_.firstSequence();
  if (header.nlmsg_type == NLMSG_NOOP || header.nlmsg_pid != socket_.portId() || index >= batch_.count()) {
    ++dropped_;
    return Progress::more;
  }
  if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
    replies.interrupted = true;
  }
  const Progress after = index == batch_.awaited() ? Progress::last : Progress::more;
  if (header.nlmsg_type == NLMSG_ERROR) {
    Acknowledgement ack;
    if (!parseAcknowledgement(message, ack)) {
      return Progress::malformed;
    }
    if (ack.error != 0) {
      replies.refusals.push_back({index, std::move(ack)});
      return index == 0 && batch_.guarded() ? Progress::last : after;
    }
    return after;
  }
  if (header.nlmsg_type == NLMSG_DONE) {
    const std::optional<int> error = doneError(message);
    if (!error) {
      return Progress::malformed;
    }
    if (*error != 0) {
      replies.refusals.push_back({index, {.error = *error, .text = {}}});
    }
    return after;
  }
  data = true;
  return visit && visit(index, message) ? Progress::more : Progress::malformed;
}

} // namespace netlink
