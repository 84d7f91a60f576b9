#include "netlink/socket.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <thread>
#include <utility>

namespace netlink {
namespace {

constexpr int sendAttempts = 5;

sockaddr_nl kernelAddress() {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  return address;
}

Status prepare(int fd, uint32_t& portId) {
  // Extended ACKs name the refused attribute; capped ones do not repeat the request.
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK}) {
    const int on = 1;
    if (setsockopt(fd, SOL_NETLINK, option, &on, sizeof on) != 0) {
      return local(errno);
    }
  }
  sockaddr_nl address = kernelAddress();
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd, generic, sizeof address) != 0) {
    return local(errno);
  }
  socklen_t length = sizeof address;
  if (getsockname(fd, generic, &length) != 0) {
    return local(errno);
  }
  portId = address.nl_pid;
  // A socket connected to port 0 refuses datagrams of other processes.
  address = kernelAddress();
  if (connect(fd, generic, sizeof address) != 0) {
    return local(errno);
  }
  return done();
}

int millisecondsUntil(Clock::time_point deadline) {
  if (deadline == Clock::time_point::max()) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000'000));
}

} // namespace

Control Control::forReadBack() const {
  Control extended = *this;
  if (!readingBack && deadline < Clock::time_point::max() - readBackTime) {
    extended.deadline += readBackTime;
  }
  extended.readingBack = true;
  return extended;
}

Clock::time_point coarseTime() {
  timespec coarse{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &coarse);
  return Clock::time_point(std::chrono::seconds(coarse.tv_sec) + std::chrono::nanoseconds(coarse.tv_nsec));
}

bool expired(const Control& control) {
  constexpr std::chrono::milliseconds late{20};
  return coarseTime() >= control.deadline - late && Clock::now() >= control.deadline;
}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    portId_ = other.portId_;
    sendRoom_ = other.sendRoom_;
    kernel_ = other.kernel_;
  }
  return *this;
}

Status Socket::open(int protocol, Socket& socket) {
  Socket opened;
  opened.fd_ = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (opened.fd_ < 0) {
    return local(errno);
  }
  opened.kernel_ = true;
  const Status status = prepare(opened.fd_, opened.portId_);
  if (status.ok()) {
    socket = std::move(opened);
  }
  return status;
}

Socket Socket::adopt(int fd) {
  Socket socket;
  socket.fd_ = fd;
  return socket;
}

void Socket::close() {
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
    sendRoom_ = 0;
  }
}

Status Socket::reserveSend(size_t size) {
  // The kernel needs some room besides the data; setsockopt() doubles the value for its bookkeeping.
  const size_t wanted = size + 4096;
  if (wanted <= sendRoom_) {
    return done();
  }
  const auto suffices = [&] {
    int current = 0;
    socklen_t length = sizeof current;
    if (getsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &current, &length) == 0 && current > 0) {
      sendRoom_ = static_cast<size_t>(current);
    }
    return wanted <= sendRoom_;
  };
  if (suffices()) {
    return done();
  }
  const int value = static_cast<int>(std::min<size_t>(wanted, 0x3fffffff));
  if (setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &value, sizeof value) == 0) {
    return done(); // the next call reads the new size
  }
  // Without CAP_NET_ADMIN in the initial user namespace, net.core.wmem_max is the limit.
  if (setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &value, sizeof value) != 0) {
    return local(errno);
  }
  return suffices() ? done() : local(EMSGSIZE);
}

Status Socket::send(Bytes datagram, const Control& control) {
  iovec part{const_cast<std::byte*>(datagram.data()), datagram.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  for (int attempt = 1;; ++attempt) {
    const ssize_t sent = sendmsg(fd_, &header, MSG_NOSIGNAL);
    if (sent >= 0) {
      return std::cmp_equal(sent, datagram.size()) ? done() : Status{FailureKind::malformed, 0};
    }
    const int error = errno;
    if (error == EINTR) {
      continue;
    }
    const bool transient = error == ENOBUFS || error == ENOMEM || error == EAGAIN;
    if (!transient || attempt >= sendAttempts || Clock::now() >= control.deadline) {
      return local(error);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1 << attempt)); // the kernel is out of memory
  }
}

Status Socket::waitReadable(const Control& control) const {
  for (;;) {
    pollfd fds[2] = {{fd_, POLLIN, 0}, {control.wakeFd, POLLIN, 0}}; // poll ignores negative descriptors
    const int ready = poll(fds, 2, millisecondsUntil(control.deadline));
    if (ready < 0) {
      if (errno == EINTR) {
        continue;
      }
      return local(errno);
    }
    if (fds[0].revents != 0) {
      return done();
    }
    if (fds[1].revents != 0) {
      if (const FailureKind kind = control.interruption(); kind != FailureKind::none) {
        return {kind, 0};
      }
    }
    if (ready == 0 && Clock::now() >= control.deadline) {
      return {FailureKind::timeout, 0};
    }
  }
}

Status Socket::receive(std::span<std::byte> buffer, const Control& control, Bytes& datagram) {
  for (;;) {
    sockaddr_nl sender{};
    iovec part{buffer.data(), buffer.size()};
    msghdr header{};
    header.msg_name = &sender;
    header.msg_namelen = sizeof sender;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const ssize_t received = recvmsg(fd_, &header, MSG_DONTWAIT);
    if (received < 0) {
      if (errno == EINTR) {
        continue;
      }
      if (errno == ENOBUFS) {
        return {FailureKind::overrun, ENOBUFS};
      }
      if (errno != EAGAIN) {
        return {FailureKind::malformed, errno}; // the request was sent, so its outcome is unknown
      }
      const Status status = waitReadable(control);
      if (!status.ok()) {
        return status.kind == FailureKind::local ? Status{FailureKind::malformed, status.error} : status;
      }
      continue;
    }
    if (kernel_ && (header.msg_namelen != sizeof sender || sender.nl_pid != 0)) {
      continue; // not from the kernel
    }
    if (received == 0) {
      return {FailureKind::malformed, ECONNRESET};
    }
    if ((header.msg_flags & MSG_TRUNC) != 0) {
      return {FailureKind::truncated, EMSGSIZE};
    }
    datagram = Bytes(buffer.data(), static_cast<size_t>(received));
    return done();
  }
}

} // namespace netlink
