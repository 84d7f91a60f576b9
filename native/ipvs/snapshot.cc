// Snapshots: all services and their destinations.
#include "ipvs/session.h"

#include <algorithm>
#include <cerrno>

namespace ipvs {
namespace {

// Checksum of all services, and of all destinations together with their service.
KeySum sumOf(const Session::Snapshot& snapshot) {
  KeySum sum;
  const std::byte* destination = snapshot.destinations.data();
  for (size_t i = 0; i < snapshot.counts.size(); ++i) {
    const uint64_t owner = sum.add(keyOf(serviceRecord, snapshot.services.data() + i * sizeof(Service)));
    for (uint32_t left = snapshot.counts[i]; left > 0; --left, destination += sizeof(Destination)) {
      sum.add(keyOf(destinationRecord, destination), owner);
    }
  }
  return sum;
}

} // namespace

Failure Session::snapshotPass(int number, const Control& control, Snapshot& snapshot, bool& repeated) {
  auto& [services, destinations, counts] = snapshot;
  services.truncate(0);
  destinations.truncate(0);
  counts.clear();
  PassInfo info;
  Failure failure = dumpPass(channel_, commandOf(Operation::listServices), nullptr, control, services, info);
  repeated = info.repeated;
  counts.reserve(services.size() / sizeof(Service));
  for (size_t at = 0; failure.status.ok() && at < services.size(); at += sizeof(Service)) {
    const size_t start = destinations.size();
    const std::byte* service = services.data() + at;
    failure = destinationsOf(number, service, control, destinations, repeated);
    if (failure.status.kind == netlink::FailureKind::rejected && failure.status.error == ESRCH) {
      failure = {};    // the service was deleted during this pass
      repeated = true; // proves a change, like a duplicate
      continue;
    }
    std::memmove(services.data() + counts.size() * sizeof(Service), service, sizeof(Service));
    counts.push_back(static_cast<uint32_t>((destinations.size() - start) / sizeof(Destination)));
  }
  services.truncate(counts.size() * sizeof(Service));
  return failure;
}

// Most services have few destinations: a socket that never received more than a page saves the kernel an allocation of
// 32 KiB per service.
Failure Session::destinationsOf(int pass, const std::byte* service, const Control& control, Rows& rows,
                                bool& repeated) {
  const Command& command = commandOf(Operation::listDestinations);
  PassInfo info;
  const size_t start = rows.size();
  Failure failure = dumpPass(shortReplies_, command, service, control, rows, info);
  const bool shift = pass % 2 == 1 && !info.complete; // datagram boundaries of that socket are always the same
  if (shift || failure.status.kind == netlink::FailureKind::truncated) {
    rows.truncate(start);
    failure = dumpPass(channel_, command, service, control, rows, info);
  }
  repeated = repeated || info.repeated;
  return failure;
}

Failure Session::snapshot(bool consistent, const Control& control, Snapshot& snapshot) {
  std::optional<KeySum> previous;
  for (int i = 0; i < consistentPasses; ++i) {
    shiftBoundaries(i);
    bool repeated = false;
    Failure failure = snapshotPass(i, control, snapshot, repeated);
    if (!failure.status.ok() || !consistent) {
      return failure;
    }
    const KeySum keys = sumOf(snapshot);
    if (!repeated && previous == keys) {
      return failure;
    }
    previous.reset();
    if (!repeated) {
      previous = keys;
    }
  }
  return failureOf(0, {netlink::FailureKind::conflict, 0});
}

} // namespace ipvs
