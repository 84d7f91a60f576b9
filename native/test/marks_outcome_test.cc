// The mark map against a scripted nf_tables: all outcomes of a change.
#include "marks_rig.h"

#include <cerrno>

namespace {

using namespace std::chrono_literals;
using namespace fake;
using Requests = Tables::Requests;
using Replies = std::optional<Tables::Datagrams>;

} // namespace

TEST_CASE("a concurrent change of the ruleset") {
  Rig rig;
  SUBCASE("is detected before the transaction is sent") {
    uint32_t generation = 5;
    const std::vector<Failure> failures = rig.marks.apply(generation, std::vector{exact(1, 80)}, 0, soon()).failures;
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].status.error == ERESTART);
    CHECK(rig.tables.transactions.empty());
  }
  SUBCASE("is refused by the kernel, with one reply to the first message") {
    replyToTransactions(
        rig, [](const Requests& requests) { return Tables::Datagrams{Tables::refuse(requests[0], ERESTART)}; });
    const auto start = netlink::Clock::now();
    const std::vector<Failure> failures = rig.apply({exact(1, 80)});
    CHECK(netlink::Clock::now() - start < 2s);
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].status.error == ERESTART);
    CHECK_FALSE(failures[0].unknown);
  }
}

TEST_CASE("the failure of a refused element has its index") {
  Rig rig;
  const std::vector<Element> rows = {exact(1, 80), range(100, 200), exact(2, 80), range(300, 400)};
  size_t index = 0;
  bool known = false;
  SUBCASE("if the kernel reports the offset") {
    known = true;
    index = 2;
  }
  SUBCASE("else the index of the first element of the message") {}
  replyToTransactions(rig, [known](const Requests& requests) {
    const netlink::Message& message = messageOf(requests, NFT_MSG_NEWSETELEM); // of the hash map
    const uint32_t offset = known ? offsetOf(message, 1) : 0;
    Tables::Datagrams replies = Tables::acknowledge(requests); // irrelevant after a refusal
    replies.insert(replies.begin(), Tables::refuse(message, EEXIST, offset));
    return replies;
  });
  const std::vector<Failure> failures = rig.apply(rows);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].index == index);
  CHECK(failures[0].status.error == EEXIST);
  CHECK_FALSE(failures[0].unknown);
}

TEST_CASE("only the refusal of an object is reported, not the refusals that follow from it") {
  Rig rig;
  int error = 0;
  FailureKind kind = FailureKind::rejected;
  SUBCASE("no nf_tables, or no chains of type route") {
    error = ENOENT;
    kind = FailureKind::unavailable;
  }
  SUBCASE("another reason") { error = EBUSY; }
  replyToTransactions(rig, [error](const Requests& requests) {
    const netlink::Message& last = messageOf(requests, NFT_MSG_NEWSETELEM);
    return Tables::Datagrams{Tables::refuse(messageOf(requests, NFT_MSG_NEWCHAIN), error),
                             Tables::refuse(last, ENOENT)};
  });
  const std::vector<Failure> failures = rig.apply({exact(1, 80)});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.kind == kind);
  CHECK(failures[0].status.error == error);
}

TEST_CASE("an acknowledgement without a new generation is a failure") {
  Rig rig;
  replyToTransactions(rig, [](const Requests& requests) { return Tables::acknowledge(requests); });
  const std::vector<Failure> failures = rig.apply({exact(1, 80)});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.kind == FailureKind::malformed);
  CHECK_FALSE(failures[0].unknown);
}

TEST_CASE("a lost reply is resolved by reading back") {
  Rig rig;
  CHECK(rig.apply({exact(1, 80)}).empty());
  const std::vector<Element> rows = {exact(1, 80), exact(2, 80)};
  bool applied = false;
  bool unknown = false;
  SUBCASE("applied") {
    applied = true;
    replyToTransactions(rig, [&rig](const Requests& requests) {
      rig.tables.commit(requests);
      return Tables::Datagrams{};
    });
  }
  SUBCASE("not applied") {
    replyToTransactions(rig, [](const Requests&) { return Tables::Datagrams{}; });
  }
  SUBCASE("another transaction was applied") {
    replyToTransactions(rig, [&rig](const Requests&) {
      ++rig.tables.generation;
      return Tables::Datagrams{};
    });
  }
  SUBCASE("several transactions were applied: unknown") {
    unknown = true;
    replyToTransactions(rig, [&rig](const Requests&) {
      rig.tables.generation += 2;
      return Tables::Datagrams{};
    });
  }
  const std::vector<Failure> failures = rig.apply(rows, 1, Control::within(100ms));
  CHECK(failures.empty() == applied);
  CHECK(rig.generation == 0);
  if (!applied) {
    CHECK(failures[0].status.kind == FailureKind::timeout);
    CHECK(failures[0].unknown == unknown);
  }
}

namespace {

// The reply to a change, the reads after it, and the expected outcome.
struct Ending {
  const char* name;
  bool carriedOut;
  FailureKind reply;   // none: acknowledged; timeout: no reply; malformed: invalid reply; rejected: refused
  int readError;       // of the read of the generation; 0: it succeeds
  bool lasting;        // whether repeated reads fail as well
  uint32_t concurrent; // number of other transactions directly after it
  enum : uint8_t { done, notApplied, unknown } outcome;
};

constexpr Ending endings[] = {
    {"acknowledged", true, FailureKind::none, 0, false, 0, Ending::done},
    {"acknowledged, with concurrent changes", true, FailureKind::none, 0, false, 3, Ending::done},
    {"acknowledged, the first read fails", true, FailureKind::none, EPERM, false, 0, Ending::done},
    {"acknowledged, all reads fail", true, FailureKind::none, EPERM, true, 0, Ending::unknown},
    {"acknowledged, but not carried out", false, FailureKind::none, 0, false, 0, Ending::notApplied},
    {"acknowledged, not carried out, all reads fail", false, FailureKind::none, EPERM, true, 0, Ending::unknown},
    {"refused", false, FailureKind::rejected, 0, false, 0, Ending::notApplied},
    {"refused, all reads fail", false, FailureKind::rejected, EPERM, true, 0, Ending::notApplied},
    {"no reply, carried out", true, FailureKind::timeout, 0, false, 0, Ending::done},
    {"no reply, carried out, with concurrent changes", true, FailureKind::timeout, 0, false, 3, Ending::done},
    {"no reply, carried out, all reads fail", true, FailureKind::timeout, EPERM, true, 0, Ending::unknown},
    {"no reply, not carried out", false, FailureKind::timeout, 0, false, 0, Ending::notApplied},
    {"no reply, not carried out, one concurrent change", false, FailureKind::timeout, 0, false, 1, Ending::notApplied},
    {"no reply, not carried out, two concurrent changes", false, FailureKind::timeout, 0, false, 2, Ending::unknown},
    {"no reply, not carried out, all reads fail", false, FailureKind::timeout, EPERM, true, 0, Ending::unknown},
    {"invalid reply, carried out", true, FailureKind::malformed, 0, false, 0, Ending::done},
    {"invalid reply, not carried out", false, FailureKind::malformed, 0, false, 0, Ending::notApplied},
};

} // namespace

TEST_CASE("the outcome depends on the reply and the reads after it") {
  for (const Ending& ending : endings) {
    CAPTURE(ending.name);
    Rig rig;
    REQUIRE(rig.apply({exact(1, 80)}).empty());
    bool sent = false;
    bool readOnce = false;
    rig.tables.intercept = [&](const Requests& requests) -> Replies {
      if (!Tables::isTransaction(requests)) {
        const bool fails = sent && ending.readError != 0 && (!readOnce || ending.lasting);
        readOnce = readOnce || sent;
        return fails ? Replies(Tables::Datagrams{Tables::refuse(requests[0], ending.readError)}) : std::nullopt;
      }
      sent = true;
      const Tables::Datagrams acknowledgement =
          ending.carriedOut ? rig.tables.commit(requests) : Tables::acknowledge(requests);
      rig.tables.generation += ending.concurrent;
      switch (ending.reply) {
      case FailureKind::none:
        return acknowledgement;
      case FailureKind::rejected:
        return Tables::Datagrams{Tables::refuse(messageOf(requests, NFT_MSG_NEWSETELEM), EEXIST)};
      case FailureKind::malformed:
        return Tables::Datagrams{Datagram(3)};
      default:
        return Tables::Datagrams{};
      }
    };
    const std::vector<Failure> failures = rig.apply({exact(2, 80)}, 0, Control::within(50ms));
    CHECK(failures.empty() == (ending.outcome == Ending::done));
    if (!failures.empty()) {
      CHECK(failures[0].unknown == (ending.outcome == Ending::unknown));
      CHECK_FALSE(failures[0].status.ok());
    }
    CHECK(rig.leftovers.ok());
  }
}

TEST_CASE("a change without replies ends within readBackTime, and at once when the session is closing") {
  Rig rig;
  REQUIRE(rig.apply({exact(1, 80)}).empty());
  bool silent = false;
  rig.tables.intercept = [&](const Requests& requests) -> Replies {
    silent = silent || Tables::isTransaction(requests);
    return silent ? Replies(Tables::Datagrams{}) : std::nullopt;
  };
  const auto start = netlink::Clock::now();
  Control control = Control::within(50ms);
  SUBCASE("not interrupted") {}
  SUBCASE("closing") {
    control.interrupted = [](bool readingBack) { return readingBack ? FailureKind::closed : FailureKind::none; };
  }
  const std::vector<Failure> failures = rig.apply({exact(2, 80)}, 0, control);
  const auto took = netlink::Clock::now() - start;
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].unknown);
  CHECK(took < netlink::readBackTime + 50ms);
  if (control.interrupted) {
    CHECK(took < netlink::readBackTime / 2);
  }
}

TEST_CASE("an error that the kernel sends only for the first of several requests ends the wait") {
  Rig rig;
  rig.tables.intercept = [](const Requests& requests) -> Replies {
    return Tables::Datagrams{Tables::refuse(requests[0], EPERM)};
  };
  const std::vector<Failure> failures = rig.apply({exact(1, 80)});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.error == EPERM);
  CHECK(rig.marks.open(soon(), true).error == EPERM);
}

TEST_CASE("a kernel without nf_tables") {
  Rig rig;
  rig.tables.intercept = [](const Requests& requests) -> Replies {
    return Tables::Datagrams{Tables::refuse(requests[0], EINVAL)};
  };
  CHECK(rig.marks.open(soon(), true).kind == FailureKind::unavailable);
}

TEST_CASE("dropping the table") {
  Rig rig;
  CHECK(rig.apply({exact(1, 80)}).empty());
  SUBCASE("removes it") {}
  SUBCASE("resolves a lost reply") {
    replyToTransactions(rig, [&rig](const Requests& requests) {
      rig.tables.commit(requests);
      return Tables::Datagrams{};
    });
  }
  CHECK(rig.marks.drop(Control::within(200ms)).status.ok());
  CHECK(rig.list().empty());
  SUBCASE("is unknown if the table may have been created again") {
    CHECK(rig.apply({exact(1, 80)}).empty());
    replyToTransactions(rig, [&rig](const Requests&) {
      rig.tables.generation += 2;
      return Tables::Datagrams{};
    });
    CHECK(rig.marks.drop(Control::within(50ms)).unknown);
  }
  SUBCASE("succeeds if there is none") {
    replyToTransactions(rig, [](const Requests& requests) {
      return Tables::Datagrams{Tables::refuse(messageOf(requests, NFT_MSG_DELTABLE), ENOENT)};
    });
    CHECK(rig.marks.drop(soon()).status.ok());
  }
}
