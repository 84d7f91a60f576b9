// Keeps the patches of different sessions and processes apart. The kernel replaces a record as a whole and knows no
// compare-and-swap: of two that read, merge and write the same one at the same time, the first would lose its fields.
#pragma once

#include "netlink/socket.h"

namespace ipvs {

// A lock (flock) on the network namespace of the thread itself. All who are in the namespace meet there, in whatever
// container or chroot they are; it needs no file, ends with its holder, and costs two system calls. It binds only those
// who take it, and nobody is kept from reading.
class PatchLock {
public:
  PatchLock() = default;
  ~PatchLock() { close(); }
  PatchLock(const PatchLock&) = delete;
  PatchLock& operator=(const PatchLock&) = delete;

  // Waits until nobody else has it, and lets others have it who wait, now and then. EBUSY: somebody still had it at the
  // deadline. Done as well when we have it already.
  [[nodiscard]] netlink::Status acquire(const netlink::Control& control);
  void release();
  void close();

  // Releases at the end of a scope.
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
  void giveWay(const netlink::Control& control);

  int fd_ = -1;
  bool held_ = false;
  netlink::Clock::time_point since_;    // of turns with hardly a pause between them
  netlink::Clock::time_point released_; // the last time
};

} // namespace ipvs
