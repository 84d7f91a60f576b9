// Serialises patches of different sessions and processes. The kernel replaces whole records and has no
// compare-and-swap: of two concurrent read-merge-write cycles on one record, the first would lose its fields.
#pragma once

#include "netlink/socket.h"

namespace ipvs {

// An advisory lock (flock) on the file of the thread's network namespace: the same file for every process in the
// namespace, also in containers and chroots. It needs no lock file, is released when its holder exits, and costs two
// system calls. Reads do not take it.
class PatchLock {
public:
  PatchLock() = default;
  ~PatchLock() { close(); }
  PatchLock(const PatchLock&) = delete;
  PatchLock& operator=(const PatchLock&) = delete;

  // Waits for the lock; pauses now and then for other waiters. No-op if held. EBUSY: still locked at the deadline.
  [[nodiscard]] netlink::Status acquire(const netlink::Control& control);
  void release();
  void close();

  // Releases the lock at the end of a scope.
  class Release {
  public:
    explicit Release(PatchLock& lock) : lock_(lock) {}
    ~Release() { lock_.release(); }
    Release(const Release&) = delete;
    Release& operator=(const Release&) = delete;

  private:
    PatchLock& lock_;
  };

private:
  void pauseForWaiters(const netlink::Control& control);

  int fd_ = -1;
  bool held_ = false;
  netlink::Clock::time_point since_;    // start of a streak of acquisitions
  netlink::Clock::time_point released_; // last release
};

} // namespace ipvs
