// One conversation with the kernel at a time: send a batch, hear everything that answers it, know how each message
// ended.
#pragma once

#include "netlink/batch.h"
#include "netlink/message.h"
#include "netlink/socket.h"

namespace netlink {

// A message of a batch that the kernel refused.
struct Refusal {
  size_t index;
  Acknowledgement ack;
};

// What an exchange heard.
struct Answers {
  std::vector<Refusal> refusals; // in the order of the answers
  bool sent = false;             // the kernel got the batch; without this nothing was applied
  size_t datagrams = 0;          // that carried data
  size_t bytes = 0;              // of these datagrams
  bool interrupted = false;      // NLM_F_DUMP_INTR: the kernel says the dump is torn (nf_tables does, IPVS never)

  [[nodiscard]] const Acknowledgement* refusal(size_t index) const {
    for (const Refusal& refusal : refusals) {
      if (refusal.index == index) {
        return &refusal.ack;
      }
    }
    return nullptr;
  }

  // Of a dump whose entries have at most `largest` bytes: true when one request was enough for all of them. The kernel
  // fills the first datagram while it takes the request, and the next ones as they are received, where it continues by
  // counting. So only a first datagram with room for one more entry proves that nothing was left for a second one.
  [[nodiscard]] bool complete(size_t largest) const;
};

class Channel {
public:
  // Opens a socket; called again after an unknown outcome, when the old socket is thrown away with its late answers.
  using Connector = std::function<Status(Socket&)>;

  // A dump datagram is at most 32 KiB; a smaller buffer would lose data, a larger one gains nothing.
  static constexpr size_t receiveBufferSize = 65536;

  // What the kernel can answer to a dump without allocating more than it does for the smallest (NLMSG_GOODSIZE).
  [[nodiscard]] static size_t shortAnswer();

  // `window`: how much is received at a time. The kernel makes every datagram of a dump as large as the largest receive
  // that a socket ever made: a small window suits many short dumps, and grows for one that turns out to be long.
  explicit Channel(Connector connector, size_t window = receiveBufferSize)
      : connector_(std::move(connector)), window_(window), buffer_(receiveBufferSize) {}

  [[nodiscard]] Status open();
  void close() { socket_.close(); }

  // An empty batch with fresh sequence numbers. Valid until the next call.
  [[nodiscard]] Batch& compose();

  // Takes a data message of the request `index`; false: it makes no sense.
  using Visitor = std::function<bool(size_t index, const Message& message)>;

  // Sends the composed batch in one datagram and listens until its awaited message is answered. When the status is not
  // ok, every message without a refusal ended as the status says.
  [[nodiscard]] Status exchange(const Control& control, Answers& answers, const Visitor& visit = {});

  // What the last exchange sent, for the texts of its refusals. Valid until the next compose().
  [[nodiscard]] const Batch& sent() const { return batch_; }

  // Answers that were not ours: stale, foreign or out of sequence. Dropped and counted.
  [[nodiscard]] uint64_t dropped() const { return dropped_; }

private:
  enum class Heard : uint8_t { more, last, overrun, nonsense };

  [[nodiscard]] Heard hear(const Message& message, Answers& answers, const Visitor& visit, bool& data);
  [[nodiscard]] Status listen(const Control& control, Answers& answers, const Visitor& visit);

  Connector connector_;
  Socket socket_;
  size_t window_;
  bool grown_ = false; // the socket has seen a larger receive
  std::vector<std::byte> buffer_;
  Batch batch_;
  uint32_t sequence_ = 0;
  uint64_t dropped_ = 0;
};

} // namespace netlink
