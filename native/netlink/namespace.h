// A network namespace that was found by its path. It is opened once, and entered by its descriptor from then on:
// whoever holds it stays in the same one, whatever the path leads to by then.
#pragma once

#include "netlink/status.h"

#include <mutex>
#include <string>

namespace netlink {

class Namespace {
public:
  explicit Namespace(std::string path) : path_(std::move(path)) {}
  ~Namespace() { close(); }
  Namespace(const Namespace&) = delete;
  Namespace& operator=(const Namespace&) = delete;

  // Moves the calling thread there for good; the first to do so opens the path. Only for threads that live for one
  // session: a thread that somebody else uses afterwards must never be moved.
  [[nodiscard]] Status enter();

  // Where the path leads now. Ok: to this namespace; ESTALE: to something else; ENOENT, ENOTDIR: to nothing.
  [[nodiscard]] Status follow();

  // Nobody can enter it any more. Those who are there stay.
  void close();

private:
  const std::string path_;
  std::mutex mutex_;
  int fd_ = -1;
  bool closed_ = false;
};

} // namespace netlink
