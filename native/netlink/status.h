// The outcomes of a request: done; rejected (by the kernel or a local system call: nothing was applied); unknown (it
// may or may not have been carried out).
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

namespace netlink {

enum class FailureKind : uint8_t {
  none,        // done
  rejected,    // the kernel refused it with `error`; nothing was applied
  local,       // a system call failed with `error` before the request was sent; nothing was applied
  unavailable, // no such generic netlink family or netfilter subsystem
  timeout,     // no reply before the deadline
  overrun,     // the kernel dropped replies because our receive queue was full (ENOBUFS, NLMSG_OVERRUN)
  truncated,   // a reply larger than the receive buffer
  malformed,   // an invalid reply
  aborted,     // by the caller
  closed,      // the session was closed
  conflict,    // the table changed during every attempt to read or change it
};

struct [[nodiscard]] Status {
  FailureKind kind = FailureKind::none;
  int error = 0; // errno, positive

  [[nodiscard]] constexpr bool ok() const { return kind == FailureKind::none; }

  // True if a request that was sent and ended in this way may have been carried out.
  [[nodiscard]] constexpr bool doubtful() const {
    switch (kind) {
    case FailureKind::timeout:
    case FailureKind::overrun:
    case FailureKind::truncated:
    case FailureKind::malformed:
    case FailureKind::aborted:
    case FailureKind::closed:
      return true;
    default:
      return false;
    }
  }

  // True if the failure is not specific to one operation: the next one would fail in the same way.
  [[nodiscard]] constexpr bool general() const {
    switch (kind) {
    case FailureKind::none:
    case FailureKind::overrun:
    case FailureKind::truncated:
    case FailureKind::malformed:
      return false;
    case FailureKind::rejected:
      return error == EPERM;
    default:
      return true;
    }
  }
};

constexpr Status done() { return {}; }
constexpr Status rejected(int error) { return {FailureKind::rejected, error}; }
constexpr Status local(int error) { return {FailureKind::local, error}; }

// The failure of one operation of a call, or of all operations from `index` on.
struct Failure {
  size_t index = 0; // of the operation in the call
  Status status;
  bool unknown = false;  // it may have been carried out
  bool rest = false;     // applies to all later operations too; unless `unknown`, none of them was sent
  std::string attribute; // path of the refused attribute, from the extended ACK
  std::string message;   // text of the extended ACK
};

inline Failure failureOf(size_t index, Status status, bool unknown = false) {
  return {.index = index, .status = status, .unknown = unknown, .attribute = {}, .message = {}};
}

inline Failure restOf(size_t index, Status status, bool unknown = false) {
  Failure failure = failureOf(index, status, unknown);
  failure.rest = true;
  return failure;
}

} // namespace netlink
