#include "ipvs/patch_lock.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ipvs {
namespace {

using netlink::Clock;
using netlink::Control;
using netlink::Status;

// Patches take some 100 microseconds; a chunk of them takes milliseconds.
constexpr std::chrono::microseconds shortestPause{50};
constexpr std::chrono::microseconds longestPause{500};
constexpr std::chrono::milliseconds longestStreak{50}; // of acquisitions in quick succession

// Opens a new descriptor per lock, so that sessions of one process exclude each other as well.
int openNamespace() {
  const int fd = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (fd >= 0 || errno != ENOENT) {
    return fd;
  }
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); // no /proc here
  if (socket < 0) {
    return -1;
  }
  const int fromSocket = ioctl(socket, SIOCGSKNS);
  const int error = errno;
  ::close(socket);
  errno = error;
  return fromSocket;
}

// Sleeps for `pause` or until the control's descriptor is readable.
void wait(std::chrono::microseconds pause, const Control& control) {
  pollfd wake{control.wakeFd, POLLIN, 0}; // poll ignores negative descriptors
  const timespec time{0, std::chrono::nanoseconds(pause).count()};
  (void)ppoll(&wake, 1, &time, nullptr);
}

} // namespace

Status PatchLock::acquire(const Control& control) {
  if (held_) {
    return netlink::done();
  }
  if (fd_ < 0) {
    fd_ = openNamespace();
    if (fd_ < 0) {
      return netlink::local(errno);
    }
  }
  pauseForWaiters(control);
  for (auto pause = shortestPause;; pause = std::min(pause * 2, longestPause)) {
    if (flock(fd_, LOCK_EX | LOCK_NB) == 0) {
      held_ = true;
      return netlink::done();
    }
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return netlink::local(errno);
    }
    if (const netlink::FailureKind kind = control.interruption(); kind != netlink::FailureKind::none) {
      return {kind, 0};
    }
    if (Clock::now() >= control.deadline) {
      return netlink::local(EBUSY);
    }
    wait(pause, control);
  }
}

// Waiters poll, as LOCK_NB has no queue: a holder that acquires again and again must pause to let them in.
void PatchLock::pauseForWaiters(const Control& control) {
  const auto now = Clock::now();
  if (now - released_ > longestPause) {
    since_ = now;
  } else if (now - since_ > longestStreak) {
    wait(longestPause + shortestPause, control);
    since_ = Clock::now();
  }
}

void PatchLock::release() {
  if (held_) {
    flock(fd_, LOCK_UN);
    held_ = false;
    released_ = Clock::now();
  }
}

void PatchLock::close() {
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
    held_ = false;
  }
}

} // namespace ipvs
