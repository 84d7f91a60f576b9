// Writes that need a read: patches, because the kernel replaces records as a whole, and writes whose outcome is
// unknown.
#include "ipvs/session.h"
#include "ipvs/settings.h"

#include <algorithm>
#include <cerrno>

namespace ipvs {
namespace {

bool isMissing(const Failure& failure) {
  return failure.status.kind == netlink::FailureKind::rejected &&
         (failure.status.error == ESRCH || failure.status.error == ENOENT);
}

// Default timeout for a patch that turns persistence on without a timeout. Decided by the row read under the lock:
// another process may have turned it on before.
void beginPersistence(const std::byte* patch, std::byte* current) {
  const auto wanted = netlink::load<Flags>(patch + offsetof(Service, flags));
  const auto before = netlink::load<Flags>(current + offsetof(Service, flags));
  if ((wanted.value & wanted.mask & ~before.value & IP_VS_SVC_F_PERSISTENT) != 0) {
    netlink::store(current + offsetof(Service, timeout), defaultPersistence);
  }
}

} // namespace

// True if the chunk must be sent before the current row of a patch is read. A cached listing includes the other patches
// in the chunk; a new listing would not.
bool Session::waitsFor(const Item& item) const {
  const bool listed = item.operation == Operation::updateDestination && current_ && current_->of(item.service);
  return std::ranges::any_of(chunk_, [&](const Entry& entry) {
    const Item& earlier = entry.item;
    if (!commandOf(earlier.operation).service) {
      return earlier.settings == nullptr; // flush
    }
    if (!sameService(earlier.service, item.service)) {
      return false;
    }
    const bool onDestination = earlier.destination != nullptr;
    return !listed || !onDestination || sameDestination(earlier.destination, item.destination);
  });
}

// Reads the current row of a patch and fills in the fields that the patch lacks. A patch with all fields takes the lock
// as well: another process may have read the row already and would overwrite it.
Failure Session::complete(Item& item, const Control& control, std::vector<Failure>& failures) {
  const bool service = item.operation == Operation::updateService;
  const netlink::Record& record = service ? serviceRecord : destinationRecord;
  const std::byte*& row = service ? item.service : item.destination;
  if (shared_) {
    if (const Status status = patchLock_.acquire(control); !status.ok()) {
      return failureOf(0, status);
    }
  }
  if (!netlink::isComplete(record, row)) {
    if (waitsFor(item)) {
      send(control, failures);
    }
    Rows current;
    Failure failure = currentRow(item, control, current);
    if (!failure.status.ok()) {
      return failure;
    }
    completed_.emplace_back(row, row + record.size);
    if (service) {
      beginPersistence(row, current.data());
    }
    netlink::merge(record, completed_.back().data(), current.data());
    row = completed_.back().data();
  }
  if (!service && current_ && current_->of(item.service)) {
    current_->put(row); // for later patches; send() drops the listing if this one fails
  }
  return {};
}

// The row in the kernel, from the cached listing if the previous patch was for the same service: one listing per patch
// would take quadratic time.
Failure Session::currentRow(const Item& item, const Control& control, Rows& row) {
  if (item.operation == Operation::updateService) {
    return read(Operation::getService, item.service, true, control, row);
  }
  if (!current_ || !current_->of(item.service)) {
    Rows rows;
    Failure failure = read(Operation::listDestinations, item.service, false, control, rows);
    if (!failure.status.ok()) {
      return failure;
    }
    current_.emplace(item.service, std::move(rows));
  }
  if (const std::byte* found = current_->find(item.destination)) {
    row = Rows({found, sizeof(Destination)});
    return {};
  }
  return findDestination(item, control, row); // the listing's single pass may have missed it
}

// Same errors as the kernel's writes: ENOENT for a missing destination, ESRCH for a missing service.
Failure Session::findDestination(const Item& item, const Control& control, Rows& found) {
  for (const bool consistent : {false, true}) { // a single pass may miss it; two that agree prove its absence
    Rows rows;
    Failure failure = read(Operation::listDestinations, item.service, consistent, control, rows);
    if (!failure.status.ok()) {
      return failure;
    }
    for (size_t at = 0; at < rows.size(); at += sizeof(Destination)) {
      const std::byte* row = rows.data() + at;
      if (sameDestination(row, item.destination)) {
        found = Rows({row, sizeof(Destination)});
        return failure;
      }
    }
  }
  return failureOf(0, netlink::rejected(ENOENT));
}

// Settles an unknown write by reading the table. The kernel processes a datagram before sendmsg() returns, so a write
// without effect by now will have none later.
void Session::resolve(const Item& item, Failure& failure, const Control& control) {
  const netlink::FailureKind kind = failure.status.kind;
  if (kind == netlink::FailureKind::aborted || kind == netlink::FailureKind::closed) {
    return; // the caller is not waiting any more
  }
  const Control extended = control.forReadBack();
  if (item.settings != nullptr) {
    resolveSettings(item, failure, extended);
    return;
  }
  if (item.operation == Operation::zeroService || item.operation == Operation::zeroAll) {
    return; // counters keep changing: a read proves nothing
  }
  Rows row;
  const bool onService = item.operation <= Operation::removeService;
  if (item.operation == Operation::flush) {
    const Failure listed = read(Operation::listServices, nullptr, false, extended, row);
    if (listed.status.ok()) {
      failure.unknown = false;
      failure.status = row.empty() ? netlink::done() : failure.status;
    }
    return;
  }
  const Failure readBack =
      onService ? read(Operation::getService, item.service, true, extended, row) : findDestination(item, extended, row);
  const bool missing = isMissing(readBack);
  if (!readBack.status.ok() && !missing) {
    return; // still unknown
  }
  const bool removal = item.operation == Operation::removeService || item.operation == Operation::removeDestination;
  if (removal) {
    failure.unknown = false;
    failure.status = missing ? netlink::done() : failure.status;
    return;
  }
  const netlink::Record& record = onService ? serviceRecord : destinationRecord;
  const std::byte* wanted = onService ? item.service : item.destination;
  if (!missing && netlink::matches(record, wanted, row.data())) {
    failure.unknown = false;
    failure.status = netlink::done();
  } else if (missing) {
    failure.unknown = false; // not applied
  }
}

// resolve() for timeouts and synchronisation daemons. At most one daemon of each role is running.
void Session::resolveSettings(const Item& item, Failure& failure, const Control& control) {
  Rows rows;
  const bool daemon = item.operation != Operation::setTimeouts;
  const Failure readBack =
      read(daemon ? Operation::listSyncDaemons : Operation::getTimeouts, nullptr, true, control, rows);
  if (!readBack.status.ok()) {
    return;
  }
  if (!daemon) {
    failure.unknown = false;
    failure.status = netlink::matches(timeoutsRecord, item.settings, rows.data()) ? netlink::done() : failure.status;
    return;
  }
  const std::byte* running = nullptr;
  for (size_t at = 0; at < rows.size(); at += sizeof(Daemon)) {
    const std::byte* row = rows.data() + at + offsetof(Daemon, state);
    if (std::memcmp(row, item.settings + offsetof(Daemon, state), sizeof(Daemon::state)) == 0) {
      running = rows.data() + at;
    }
  }
  const bool start = item.operation == Operation::startSyncDaemon;
  if (start && running != nullptr && !netlink::matches(daemonRecord, item.settings, running)) {
    return; // a daemon is running with other settings: not ours, or an older one
  }
  failure.unknown = false;
  failure.status = start == (running != nullptr) ? netlink::done() : failure.status;
}

} // namespace ipvs
