// A netlink socket: opened in the calling thread's network namespace, connected to the kernel so that no other process
// can send replies, read with a deadline.
#pragma once

#include "netlink/attribute.h"
#include "netlink/status.h"

#include <chrono>
#include <functional>

namespace netlink {

using Clock = std::chrono::steady_clock;

// Time that reading back unknown outcomes may take beyond the deadline of a call, for all its requests together.
inline constexpr std::chrono::milliseconds readBackTime{1000};

// The deadline of a call, and its interruption.
struct Control {
  Clock::time_point deadline = Clock::time_point::max();
  int wakeFd = -1; // readable: call `interrupted`
  // Drains wakeFd and returns why to give up; FailureKind::none: continue. A session that is closing finishes its
  // requests but reads nothing back.
  std::function<FailureKind(bool readingBack)> interrupted;
  bool readingBack = false;

  static Control within(std::chrono::milliseconds timeout) { return {Clock::now() + timeout, -1, {}}; }

  // For reading back an unknown outcome: the deadline plus readBackTime, however often this is called. An abort of the
  // call still ends it.
  [[nodiscard]] Control forReadBack() const;

  // Why to give up at once; FailureKind::none: continue.
  [[nodiscard]] FailureKind interruption() const { return interrupted ? interrupted(readingBack) : FailureKind::none; }
};

// The time with an error of up to one kernel tick (10 ms). Where the clock source is a device (emulators, machines with
// an unreliable TSC), reading the exact time takes longer than a small exchange.
[[nodiscard]] Clock::time_point coarseTime();

// True after the deadline. Reads the exact time only near the deadline.
[[nodiscard]] bool expired(const Control& control);

class Socket {
public:
  Socket() = default;
  ~Socket() { close(); }
  Socket(Socket&& other) noexcept { *this = std::move(other); }
  Socket& operator=(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // protocol: NETLINK_GENERIC or NETLINK_NETFILTER.
  [[nodiscard]] static Status open(int protocol, Socket& socket);

  // Takes ownership of a connected datagram socket; its peer plays the kernel.
  [[nodiscard]] static Socket adopt(int fd);

  void close();
  [[nodiscard]] bool isOpen() const { return fd_ >= 0; }
  [[nodiscard]] uint32_t portId() const { return portId_; }

  // Enlarges the send buffer for one datagram of `size` bytes. EMSGSIZE: more than twice net.core.wmem_max (400 KiB by
  // default) requires CAP_NET_ADMIN in the initial user namespace.
  [[nodiscard]] Status reserveSend(size_t size);

  // Sends one datagram. The kernel processes all its messages before this returns.
  [[nodiscard]] Status send(Bytes datagram, const Control& control);

  // Receives one datagram from the kernel into `buffer`. Datagrams of other senders are dropped.
  [[nodiscard]] Status receive(std::span<std::byte> buffer, const Control& control, Bytes& datagram);

private:
  [[nodiscard]] Status waitReadable(const Control& control) const;

  int fd_ = -1;
  uint32_t portId_ = 0;
  size_t sendRoom_ = 0; // last known size of the send buffer
  bool kernel_ = false; // false: the peer is a process (socket pair)
};

} // namespace netlink
