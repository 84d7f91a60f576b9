// A network namespace given by its path. The path is opened once; later calls use the descriptor, so they reach the
// same namespace even if the path has been replaced.
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

  // Moves the calling thread into the namespace, permanently. The first call opens the path. Only for threads that
  // belong to one session: a pool thread would stay in the namespace.
  [[nodiscard]] Status enter();

  // Checks whether the path still leads to this namespace. ESTALE: to another file. ENOENT, ENOTDIR: to no file.
  [[nodiscard]] Status follow();

  // Makes later calls of enter() fail. Threads inside the namespace stay there.
  void close();

private:
  const std::string path_;
  std::mutex mutex_;
  int fd_ = -1;
  bool closed_ = false;
};

} // namespace netlink
