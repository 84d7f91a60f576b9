#include "netlink/namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace netlink {

Status Namespace::enter() {
  const std::scoped_lock lock(mutex_);
  if (closed_) {
    return {FailureKind::closed, 0};
  }
  if (fd_ < 0) {
    fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // opening a FIFO must not block
  }
  return fd_ >= 0 && setns(fd_, CLONE_NEWNET) == 0 ? done() : local(errno);
}

Status Namespace::follow() {
  const std::scoped_lock lock(mutex_);
  if (closed_) {
    return {FailureKind::closed, 0};
  }
  struct stat here{};
  struct stat there{};
  if (fstat(fd_, &here) != 0 || stat(path_.c_str(), &there) != 0) {
    return local(errno);
  }
  // The inode number of a namespace is not reused while it is open.
  return here.st_dev == there.st_dev && here.st_ino == there.st_ino ? done() : local(ESTALE);
}

void Namespace::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

} // namespace netlink
