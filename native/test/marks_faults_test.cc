// A change with all three transactions (bridge.h) against a scripted nf_tables with a fault in one datagram, or in all
// from one on. The reported outcome and the reported temporary rules must be true.
#include "marks_rig.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>

namespace {

using namespace std::chrono_literals;
using namespace fake;
using Requests = Tables::Requests;

enum class Fault : uint8_t {
  none,
  lost,       // carried out, no reply
  swallowed,  // not carried out, no reply
  refused,    // an error for the first message
  garbled,    // carried out, invalid reply
  noSocket,   // like garbled, and no new socket can be opened
  lateAbort,  // carried out with a reply, then an abort
  abort,      // carried out, then an abort instead of a reply
  quickAbort, // not carried out, then an abort
};
constexpr Fault faults[] = {Fault::lost,     Fault::swallowed, Fault::refused, Fault::garbled,
                            Fault::noSocket, Fault::lateAbort, Fault::abort,   Fault::quickAbort};
constexpr const char* names[] = {"none",    "lost",      "swallowed", "refused",   "garbled",
                                 "no sock", "lateAbort", "abort",     "quickAbort"};

constexpr auto timeout = 60ms;

bool aborts(Fault fault) { return fault == Fault::lateAbort || fault == Fault::abort || fault == Fault::quickAbort; }

struct Faulty {
  Tables tables;
  std::mutex mutex;
  size_t received = 0; // datagrams while `counting`
  bool counting = false;
  Fault fault = Fault::none;
  size_t first = 0;
  bool lasting = false;
  int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::atomic<bool> aborted = false;
  std::atomic<bool> noSockets = false;

  Kernel kernel{[this](const Requests& requests) { return reply(requests); }};
  netlink::Channel::Connector connect = kernel.connector();
  nftables::Marks marks{[this](netlink::Socket& socket) {
                          const bool none = noSockets;
                          noSockets = none && lasting;
                          return none ? netlink::local(EMFILE) : connect(socket);
                        },
                        "ipvs", true};

  Faulty() = default;
  Faulty(const Faulty&) = delete;
  Faulty& operator=(const Faulty&) = delete;
  ~Faulty() { close(wake); }

  Tables::Datagrams reply(const Requests& requests) {
    const std::lock_guard lock(mutex);
    const size_t number = counting ? ++received : 0;
    const bool now = counting && fault != Fault::none && (number == first || (lasting && number > first));
    if (!now) {
      return tables(requests);
    }
    if (aborts(fault)) {
      aborted = true;
      const uint64_t one = 1;
      CHECK(write(wake, &one, sizeof one) == sizeof one);
    }
    noSockets = noSockets || fault == Fault::noSocket;
    switch (fault) {
    case Fault::swallowed:
    case Fault::quickAbort:
      return {};
    case Fault::refused:
      return {Tables::refuse(requests[0], EPERM)};
    case Fault::lost:
    case Fault::abort:
      (void)tables(requests);
      return {};
    case Fault::garbled:
    case Fault::noSocket:
      (void)tables(requests);
      return {Datagram(3)};
    default:
      return tables(requests);
    }
  }

  void start(Fault what, size_t at, bool forGood) {
    const std::lock_guard lock(mutex);
    fault = what;
    first = at;
    lasting = forGood;
    received = 0;
    counting = true;
    generation = tables.generation;
  }

  size_t stop() {
    const std::lock_guard lock(mutex);
    counting = false;
    noSockets = false;
    return received;
  }

  [[nodiscard]] Control control() {
    return {netlink::Clock::now() + timeout, wake,
            [this](bool) { return aborted ? FailureKind::aborted : FailureKind::none; }};
  }

  // Number of temporary rules in the table.
  size_t temporary() {
    netlink::Channel channel(kernel.connector());
    nftables::Objects objects;
    CHECK(nftables::readObjects(channel, "ipvs", soon(), objects).status.ok());
    return objects.bridges.size();
  }

  uint32_t mark() { return tables.elements["ranges4"].at(0).mark; }

  uint32_t generation = 0;
};

// Returns the number of datagrams of the change.
size_t change(Fault fault, size_t at, bool lasting) {
  CAPTURE(names[static_cast<size_t>(fault)]);
  CAPTURE(at);
  CAPTURE(lasting);
  Faulty rig;
  const Element old = range(10000, 20000);
  Element fresh = range(10000, 15000);
  fresh.mark = 8;
  uint32_t generation = rig.tables.generation;
  REQUIRE(rig.marks.apply(generation, std::vector{old}, 0, soon()).failures.empty());
  rig.start(fault, at, lasting);
  const auto begin = netlink::Clock::now();
  const nftables::Applied applied = rig.marks.apply(rig.generation, std::vector{old, fresh}, 1, rig.control());
  CHECK(netlink::Clock::now() - begin < timeout + netlink::readBackTime + 3s); // with a margin for slow machines
  const size_t datagrams = rig.stop();

  const bool done = rig.mark() == 8;
  if (applied.failures.empty()) {
    CHECK(done);
  } else if (!applied.failures[0].unknown) {
    CHECK_FALSE(done);
  }
  const size_t left = rig.temporary();
  if (applied.leftovers.ok()) {
    CHECK(left == 0);
  }
  if (!lasting) {
    CHECK(applied.leftovers.ok()); // a single fault never leaves rules
  }
  if (rig.generation != 0) {
    CHECK(rig.generation == rig.tables.generation);
  }
  // Another process opens the table.
  nftables::Marks next(rig.kernel.connector(), "ipvs", true);
  CHECK(next.open(soon(), true).ok());
  CHECK(rig.temporary() == 0);
  generation = rig.tables.generation;
  std::vector<Element> rows;
  CHECK(next.list(soon(), rows, generation).status.ok());
  CHECK(next.apply(generation, std::vector{done ? fresh : old}, 1, soon()).failures.empty());
  CHECK(rig.tables.elements["ranges4"].empty());
  return datagrams;
}

} // namespace

TEST_CASE("a single fault in any datagram leaves no temporary rule, and the outcome is reported correctly") {
  const size_t all = change(Fault::none, 0, false);
  CHECK(all == 11);
  for (const Fault fault : faults) {
    for (size_t at = 1; at <= all; ++at) {
      (void)change(fault, at, false);
    }
  }
}

TEST_CASE("a permanent fault from any datagram on: leftovers are reported, and the next open() removes them") {
  for (const Fault fault : {Fault::swallowed, Fault::refused, Fault::garbled, Fault::noSocket}) {
    for (size_t at = 1; at <= 11; ++at) {
      (void)change(fault, at, true);
    }
  }
}
