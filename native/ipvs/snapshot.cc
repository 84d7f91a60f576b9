// Everything at once: all services, and the destinations of each.
#include "ipvs/session.h"

#include <algorithm>
#include <cerrno>

namespace ipvs {
namespace {

// The keys of all services and, behind each, those of its destinations.
struct Keys {
  std::vector<Key> all;
  std::vector<uint32_t> counts;

  bool operator==(const Keys&) const = default;

  [[nodiscard]] std::vector<std::vector<Key>> sorted() const {
    std::vector<std::vector<Key>> groups;
    const Key* next = all.data();
    for (const uint32_t count : counts) {
      groups.emplace_back(next, next + count + 1);
      std::sort(groups.back().begin() + 1, groups.back().end());
      next += count + 1;
    }
    std::ranges::sort(groups);
    return groups;
  }
};

Keys keysOf(const Session::Snapshot& snapshot) {
  Keys keys;
  keys.counts = snapshot.counts;
  keys.all.reserve(snapshot.counts.size() + snapshot.destinations.size() / sizeof(Destination));
  const std::byte* destination = snapshot.destinations.data();
  for (size_t i = 0; i < snapshot.counts.size(); ++i) {
    keys.all.push_back(keyOf(serviceRecord, snapshot.services.data() + i * sizeof(Service)));
    for (uint32_t left = snapshot.counts[i]; left > 0; --left, destination += sizeof(Destination)) {
      keys.all.push_back(keyOf(destinationRecord, destination));
    }
  }
  return keys;
}

// The order may differ, but seldom does.
bool agree(const Keys& left, const Keys& right) { return left == right || left.sorted() == right.sorted(); }

} // namespace

Failure Session::snapshotPass(int number, const Control& control, Snapshot& found, bool& repeated) {
  Row services;
  Pass about;
  Failure failure = dumpPass(channel_, commandOf(Operation::listServices), nullptr, control, services, about);
  found = {};
  repeated = about.repeated;
  found.services.reserve(services.size());
  found.counts.reserve(services.size() / sizeof(Service));
  Row destinations;
  for (size_t at = 0; failure.status.ok() && at < services.size(); at += sizeof(Service)) {
    const std::byte* service = services.data() + at;
    failure = destinationsOf(number, service, control, destinations, repeated);
    if (failure.status.cause == netlink::Cause::rejected && failure.status.error == ESRCH) {
      failure = {};    // gone since the first line of this function
      repeated = true; // the table changed, like an entry that came twice
      continue;
    }
    found.services.insert(found.services.end(), service, service + sizeof(Service));
    found.destinations.insert(found.destinations.end(), destinations.begin(), destinations.end());
    found.counts.push_back(static_cast<uint32_t>(destinations.size() / sizeof(Destination)));
  }
  return failure;
}

// Most services have few destinations: a socket that receives no more than a page at a time spares the kernel the
// allocation of 32 KiB for each of them.
Failure Session::destinationsOf(int pass, const std::byte* service, const Control& control, Row& rows, bool& repeated) {
  const Command& command = commandOf(Operation::listDestinations);
  Pass about;
  Failure failure = dumpPass(shortAnswers_, command, service, control, rows, about);
  const bool borders = pass % 2 == 1 && about.datagrams > 1; // those of that socket are always the same
  if (borders || failure.status.cause == netlink::Cause::truncated) {
    failure = dumpPass(channel_, command, service, control, rows, about);
  }
  repeated = repeated || about.repeated;
  return failure;
}

Failure Session::snapshot(bool consistent, const Control& control, Snapshot& found) {
  std::optional<Keys> previous;
  for (int i = 0; i < consistentPasses; ++i) {
    shiftBorders(i);
    bool repeated = false;
    Failure failure = snapshotPass(i, control, found, repeated);
    if (!failure.status.ok() || !consistent) {
      return failure;
    }
    Keys keys = keysOf(found);
    if (!repeated && previous && agree(*previous, keys)) {
      return failure;
    }
    previous.reset();
    if (!repeated) {
      previous = std::move(keys);
    }
  }
  return failureOf(0, {netlink::Cause::conflict, 0});
}

} // namespace ipvs
