// Exchanges with the kernel, one at a time: sends a batch, receives all replies, reports the outcome of each message.
#pragma once

#include "netlink/batch.h"
#include "netlink/message_reader.h"
#include "netlink/socket.h"

namespace netlink {

// A message of a batch that the kernel refused.
struct Refusal {
  size_t index;
  Acknowledgement ack;
};

// The replies to a batch.
struct Replies {
  std::vector<Refusal> refusals; // in order of arrival
  bool sent = false;             // the kernel got the batch; if false, nothing was applied
  size_t datagrams = 0;          // with data
  size_t bytes = 0;              // of the datagrams with data
  bool interrupted = false;      // NLM_F_DUMP_INTR: the dump is inconsistent (set by nf_tables, never by IPVS)

  [[nodiscard]] const Acknowledgement* refusal(size_t index) const {
    for (const Refusal& refusal : refusals) {
      if (refusal.index == index) {
        return &refusal.ack;
      }
    }
    return nullptr;
  }

  // For a dump with entries of at most `largest` bytes: true if all entries were in the first datagram. The kernel
  // fills the first datagram within sendmsg() and later ones as they are received, where it continues by counting
  // entries. So only a first datagram with room for one more entry proves that the dump was atomic.
  [[nodiscard]] bool complete(size_t largest) const;
};

class Channel {
public:
  // Opens a socket. Called again after an unknown outcome: the old socket is closed, and late replies with it.
  using Connector = std::function<Status(Socket&)>;

  // Larger than any dump datagram (32 KiB): nothing is truncated.
  static constexpr size_t receiveBufferSize = 65536;

  // The largest dump datagram that fits the kernel's smallest allocation (NLMSG_GOODSIZE).
  [[nodiscard]] static size_t shortReply();

  // `window`: size of each receive. The kernel sizes the datagrams of a dump by the largest receive a socket ever made.
  // A small window suits many short dumps; it grows for a long one.
  explicit Channel(Connector connector, size_t window = receiveBufferSize)
      : connector_(std::move(connector)), window_(window), buffer_(receiveBufferSize) {}

  [[nodiscard]] Status open();
  void close() { socket_.close(); }

  // Returns an empty batch with new sequence numbers, valid until the next call.
  [[nodiscard]] Batch& compose();

  // Receives a data message that replies to request `index`. Returns false if it is malformed.
  using Visitor = std::function<bool(size_t index, const Message& message)>;

  // Sends the composed batch in one datagram and receives until the reply to its awaited message. If the status is not
  // ok, it is the outcome of every message without a refusal.
  [[nodiscard]] Status exchange(const Control& control, Replies& replies, const Visitor& visit = {});

  // The batch of the last exchange, to locate refused attributes. Valid until the next compose().
  [[nodiscard]] const Batch& sent() const { return batch_; }

  // Number of dropped messages: stale, for another port, or out of sequence.
  [[nodiscard]] uint64_t dropped() const { return dropped_; }

private:
  enum class Progress : uint8_t { more, last, overrun, malformed };

  [[nodiscard]] Progress takeMessage(const Message& message, Replies& replies, const Visitor& visit, bool& data);
  [[nodiscard]] Status receiveAll(const Control& control, Replies& replies, const Visitor& visit);

  Connector connector_;
  Socket socket_;
  size_t window_;
  bool grown_ = false; // the socket has made a receive larger than window_
  std::vector<std::byte> buffer_;
  Batch batch_;
  uint32_t sequence_ = 0;
  uint64_t dropped_ = 0;
};

} // namespace netlink
