// A netlink socket: opened in the calling thread's network namespace, connected to the kernel so that nobody else can
// answer, read with a deadline into one reused buffer.
#pragma once

#include "netlink/attribute.h"
#include "netlink/status.h"

#include <chrono>
#include <functional>

namespace netlink {

using Clock = std::chrono::steady_clock;

// How long all questions together what became of the requests of a call may take beyond its deadline.
inline constexpr std::chrono::milliseconds readBackTime{1000};

// How long a call may wait, and what else can end the wait.
struct Control {
  Clock::time_point deadline = Clock::time_point::max();
  int wakeFd = -1; // becomes readable when `interrupted` is worth asking
  // Drains wakeFd; Cause::none: go on. A session that is being closed finishes its requests but reads nothing back.
  std::function<Cause(bool readingBack)> interrupted;
  bool readingBack = false;

  static Control within(std::chrono::milliseconds timeout) { return {Clock::now() + timeout, -1, {}}; }

  // For the question what became of a request, however many there are in this call: "unknown" helps nobody, so they may
  // take a little longer than the call. Ends with its abort.
  [[nodiscard]] Control forReadBack() const;

  // Why to give up at once; Cause::none: go on.
  [[nodiscard]] Cause interruption() const { return interrupted ? interrupted(readingBack) : Cause::none; }
};

// The time, a tick of the kernel (10 ms at most) late. Where the clock is a device that the kernel has to ask (in
// emulators, and on machines whose TSC is not to be trusted), the exact time takes longer than a small exchange.
[[nodiscard]] Clock::time_point coarseTime();

// Whether the time is up. Asks for the exact time only near the end.
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

  // Takes over a connected datagram socket whose peer plays the kernel.
  [[nodiscard]] static Socket adopt(int fd);

  void close();
  [[nodiscard]] bool isOpen() const { return fd_ >= 0; }
  [[nodiscard]] uint32_t portId() const { return portId_; }

  // Makes room for one datagram of `size` bytes. EMSGSIZE: more than twice net.core.wmem_max (400 KiB by default) needs
  // CAP_NET_ADMIN in the initial user namespace.
  [[nodiscard]] Status reserveSend(size_t size);

  // One datagram. The kernel carries out a whole netlink datagram before this returns.
  [[nodiscard]] Status send(Bytes datagram, const Control& control);

  // One datagram from the kernel into `buffer`; whatever somebody else sent is dropped.
  [[nodiscard]] Status receive(std::span<std::byte> buffer, const Control& control, Bytes& datagram);

private:
  [[nodiscard]] Status waitReadable(const Control& control) const;

  int fd_ = -1;
  uint32_t portId_ = 0;
  size_t sendRoom_ = 0; // as far as it is known
  bool kernel_ = false; // false: the peer of a socket pair
};

} // namespace netlink
