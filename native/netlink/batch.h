// Several requests in one datagram. Only the last one requests an acknowledgement: when it arrives, all messages have
// been processed, and an error was sent for each one that failed. One ACK per message would be slower and could
// overflow the receive queue.
#pragma once

#include "netlink/attribute.h"

namespace netlink {

class Batch {
public:
  // Empties the batch. Message i gets the sequence number `firstSequence` + i.
  void reset(uint32_t firstSequence) {
    bytes_.clear();
    starts_.clear();
    firstSequence_ = firstSequence;
    awaited_ = 0;
    guarded_ = false;
  }

  // Opens a message. Append its body to the writer, then call end().
  Writer begin(uint16_t type, uint16_t flags) {
    starts_.push_back(bytes_.size());
    Writer writer(bytes_);
    const nlmsghdr header{0, type, static_cast<uint16_t>(flags | NLM_F_REQUEST),
                          firstSequence_ + static_cast<uint32_t>(starts_.size() - 1), 0};
    writer.append(&header, sizeof header);
    return writer;
  }

  void end() {
    const size_t start = starts_.back();
    store(bytes_.data() + start, static_cast<uint32_t>(bytes_.size() - start));
  }

  // Requests an acknowledgement of the newest message; it ends the exchange.
  void acknowledge() {
    std::byte* flags = bytes_.data() + starts_.back() + offsetof(nlmsghdr, nlmsg_flags);
    store(flags, static_cast<uint16_t>(load<uint16_t>(flags) | NLM_F_ACK));
    awaited_ = starts_.size() - 1;
  }

  // For batches such as nfnetlink transactions: if the first message is refused, the kernel ignores the rest and sends
  // no reply to it.
  void guard() { guarded_ = true; }
  [[nodiscard]] bool guarded() const { return guarded_; }

  // Index of the message whose ACK, error or DONE is the last reply.
  [[nodiscard]] size_t awaited() const { return awaited_; }

  [[nodiscard]] size_t count() const { return starts_.size(); }
  [[nodiscard]] bool empty() const { return starts_.empty(); }
  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] uint32_t firstSequence() const { return firstSequence_; }

  // Replaces the sequence numbers: a new socket starts a new range.
  void renumber(uint32_t firstSequence) {
    firstSequence_ = firstSequence;
    for (size_t i = 0; i < starts_.size(); ++i) {
      store(bytes_.data() + starts_[i] + offsetof(nlmsghdr, nlmsg_seq), firstSequence + static_cast<uint32_t>(i));
    }
  }

  // The bytes of message i, header included.
  [[nodiscard]] Bytes message(size_t index) const {
    const size_t end = index + 1 < starts_.size() ? starts_[index + 1] : bytes_.size();
    return Bytes(bytes_).subspan(starts_[index], end - starts_[index]);
  }

private:
  std::vector<std::byte> bytes_;
  std::vector<size_t> starts_;
  uint32_t firstSequence_ = 0;
  size_t awaited_ = 0;
  bool guarded_ = false;
};

} // namespace netlink
