// Reads a file ahead on its own thread. For files in /proc: the kernel generates them during read(), so reading costs
// CPU time, not I/O.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

namespace ipvs {

class ReadAhead {
public:
  static constexpr size_t chunkSize = size_t{64} << 10;

  // Starts at the current position of `fd`, which stays owned by the caller and must not be used otherwise until this
  // object is destroyed. Throws std::system_error if no thread can be started.
  explicit ReadAhead(int fd);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Like read(2) with a buffer of `chunkSize` bytes. EINTR: no data within `patience`.
  [[nodiscard]] ssize_t read(char* to, std::chrono::milliseconds patience);

private:
  struct Chunk {
    std::array<char, chunkSize> bytes;
    size_t size = 0;
    int end = -1; // after the bytes: -1: more data, 0: end of file, else an errno
  };

  void run();
  [[nodiscard]] Chunk* freeChunk();
  void fill(Chunk& chunk) const;

  const int fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Chunk, 4> chunks_;
  size_t filled_ = 0; // chunks, since the beginning
  size_t taken_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_; // last member: it uses all other members
};

} // namespace ipvs
