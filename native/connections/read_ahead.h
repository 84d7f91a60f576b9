// Reads a file on a thread of its own while somebody works on what was read before. For files that the kernel makes
// while they are read: there is no waiting for a disk, it takes a processor.
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

  // From where the descriptor stands. It stays the caller's, and is nobody else's until this is gone. Throws
  // std::system_error when there can be no thread.
  explicit ReadAhead(int fd);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Like read(2), with room for `chunkSize` bytes; EINTR when nothing comes within `patience`, and only then.
  [[nodiscard]] ssize_t read(char* to, std::chrono::milliseconds patience);

private:
  struct Chunk {
    std::array<char, chunkSize> bytes;
    size_t size = 0;
    int end = -1; // what came behind the bytes; -1: more, 0: the end of the file, else an error
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
  std::thread thread_; // last: it uses all of the others
};

} // namespace ipvs
