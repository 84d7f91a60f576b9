#include "connections/read_ahead.h"

#include "netlink/socket.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ipvs {
namespace {

// read() of these files returns at most a page.
constexpr size_t page = 4096;

// A chunk is handed over when it is full, or after this time: a wake-up costs as much as reading a page.
constexpr std::chrono::milliseconds longest{50};

} // namespace

ReadAhead::ReadAhead(int fd) : fd_(fd), thread_([this] { run(); }) {}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

ssize_t ReadAhead::read(char* to, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, patience, [this] { return filled_ > taken_; })) {
    errno = EINTR;
    return -1;
  }
  Chunk& chunk = chunks_[taken_ % chunks_.size()];
  if (chunk.size > 0) {
    lock.unlock(); // the thread does not touch a chunk before it counts as taken
    std::memcpy(to, chunk.bytes.data(), chunk.size);
    const auto size = static_cast<ssize_t>(chunk.size);
    lock.lock();
    if (chunk.end < 0) {
      ++taken_;
      changed_.notify_all();
    } else {
      chunk.size = 0; // the next call returns the end
    }
    return size;
  }
  errno = chunk.end;
  return chunk.end == 0 ? 0 : -1;
}

void ReadAhead::run() {
  while (Chunk* chunk = freeChunk()) {
    fill(*chunk);
    const bool more = chunk->end < 0;
    {
      const std::lock_guard lock(mutex_);
      ++filled_;
    }
    changed_.notify_all();
    if (!more) {
      return;
    }
  }
}

// Waits for a free chunk. Null: stop.
ReadAhead::Chunk* ReadAhead::freeChunk() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || filled_ - taken_ < chunks_.size(); });
  return stopping_ ? nullptr : &chunks_[filled_ % chunks_.size()];
}

void ReadAhead::fill(Chunk& chunk) const {
  chunk.size = 0;
  const auto until = netlink::coarseTime() + longest;
  do {
    // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): nothing is locked
    const ssize_t got = ::read(fd_, chunk.bytes.data() + chunk.size, chunkSize - chunk.size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      chunk.end = got == 0 ? 0 : errno;
      return;
    }
    chunk.size += static_cast<size_t>(got);
  } while (chunk.size + page <= chunkSize && netlink::coarseTime() < until && !stopping_);
}

} // namespace ipvs
