// How a request can end. There are three ends and no others: done, rejected (the kernel or a local system call said
// no, and nothing was applied), unknown (the request may or may not have been carried out).
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

namespace netlink {

enum class Cause : uint8_t {
  none,        // done
  rejected,    // the kernel answered with `error`; nothing was applied
  local,       // a system call of ours failed with `error` before the kernel saw the request; nothing was applied
  unavailable, // the generic netlink family is not there
  timeout,     // the deadline passed while an answer was due
  overrun,     // the kernel dropped answers because our receive queue was full (ENOBUFS, NLMSG_OVERRUN)
  truncated,   // an answer did not fit the receive buffer
  malformed,   // an answer that no kernel should send
  aborted,     // the caller gave up
  closed,      // the session was closed
  conflict,    // others kept changing the table while we tried to read or change it
};

struct [[nodiscard]] Status {
  Cause cause = Cause::none;
  int error = 0; // errno, positive

  [[nodiscard]] constexpr bool ok() const { return cause == Cause::none; }

  // True when a request that was sent and ended like this may have been carried out, although nobody can say so.
  [[nodiscard]] constexpr bool doubtful() const {
    switch (cause) {
    case Cause::timeout:
    case Cause::overrun:
    case Cause::truncated:
    case Cause::malformed:
    case Cause::aborted:
    case Cause::closed:
      return true;
    default:
      return false;
    }
  }

  // True when this is not about one operation: the next one would end in the same way.
  [[nodiscard]] constexpr bool general() const {
    switch (cause) {
    case Cause::none:
    case Cause::overrun:
    case Cause::truncated:
    case Cause::malformed:
      return false;
    case Cause::rejected:
      return error == EPERM;
    default:
      return true;
    }
  }
};

constexpr Status done() { return {}; }
constexpr Status rejected(int error) { return {Cause::rejected, error}; }
constexpr Status local(int error) { return {Cause::local, error}; }

// How one operation of a call failed, or all from one on.
struct Failure {
  size_t index = 0; // of the operation in its call
  Status status;
  bool unknown = false;  // it may have been carried out
  bool rest = false;     // this holds for all operations behind it as well; unless `unknown`, none of them was sent
  std::string attribute; // path of the refused attribute, from the extended ACK
  std::string message;   // the kernel's own words, from the extended ACK
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
