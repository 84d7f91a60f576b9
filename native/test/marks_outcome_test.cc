// The mark map against a scripted nf_tables: every way in which a change can end.
#include "marks_rig.h"

#include <cerrno>

namespace {

using namespace std::chrono_literals;
using namespace fake;
using Requests = Tables::Requests;
using Answers = std::optional<Tables::Datagrams>;

} // namespace

TEST_CASE("a ruleset that changed meanwhile") {
  Rig rig;
  SUBCASE("is noticed before anything is sent") {
    uint32_t generation = 5;
    const std::vector<Failure> failures = rig.marks.apply(generation, std::vector{exact(1, 80)}, 0, soon()).failures;
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].status.error == ERESTART);
    CHECK(rig.tables.transactions.empty());
  }
  SUBCASE("is refused by the kernel, with one answer to the first message") {
    answerTransactions(
        rig, [](const Requests& requests) { return Tables::Datagrams{Tables::refuse(requests[0], ERESTART)}; });
    const auto start = netlink::Clock::now();
    const std::vector<Failure> failures = rig.apply({exact(1, 80)});
    CHECK(netlink::Clock::now() - start < 2s);
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].status.error == ERESTART);
    CHECK_FALSE(failures[0].unknown);
  }
}

TEST_CASE("a refused element is named") {
  Rig rig;
  const std::vector<Element> rows = {exact(1, 80), range(100, 200), exact(2, 80), range(300, 400)};
  size_t index = 0;
  bool known = false;
  SUBCASE("when the kernel says where it stands") {
    known = true;
    index = 2;
  }
  SUBCASE("else the first of its message") {}
  answerTransactions(rig, [known](const Requests& requests) {
    const netlink::Message& message = messageOf(requests, NFT_MSG_NEWSETELEM); // of the hash map
    const uint32_t offset = known ? offsetOf(message, 1) : 0;
    Tables::Datagrams answers = Tables::acknowledge(requests); // which means nothing
    answers.insert(answers.begin(), Tables::refuse(message, EEXIST, offset));
    return answers;
  });
  const std::vector<Failure> failures = rig.apply(rows);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].index == index);
  CHECK(failures[0].status.error == EEXIST);
  CHECK_FALSE(failures[0].unknown);
}

TEST_CASE("a refused object hides what follows from it") {
  Rig rig;
  int error = 0;
  Cause cause = Cause::rejected;
  SUBCASE("no nf_tables, or no chains of type route") {
    error = ENOENT;
    cause = Cause::unavailable;
  }
  SUBCASE("another reason") { error = EBUSY; }
  answerTransactions(rig, [error](const Requests& requests) {
    const netlink::Message& last = messageOf(requests, NFT_MSG_NEWSETELEM);
    return Tables::Datagrams{Tables::refuse(messageOf(requests, NFT_MSG_NEWCHAIN), error),
                             Tables::refuse(last, ENOENT)};
  });
  const std::vector<Failure> failures = rig.apply({exact(1, 80)});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.cause == cause);
  CHECK(failures[0].status.error == error);
}

TEST_CASE("an acknowledgement is no success when the generation stays") {
  Rig rig;
  answerTransactions(rig, [](const Requests& requests) { return Tables::acknowledge(requests); });
  const std::vector<Failure> failures = rig.apply({exact(1, 80)});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.cause == Cause::malformed);
  CHECK_FALSE(failures[0].unknown);
}

TEST_CASE("a lost answer is settled by looking") {
  Rig rig;
  CHECK(rig.apply({exact(1, 80)}).empty());
  const std::vector<Element> rows = {exact(1, 80), exact(2, 80)};
  bool applied = false;
  bool unknown = false;
  SUBCASE("applied") {
    applied = true;
    answerTransactions(rig, [&rig](const Requests& requests) {
      rig.tables.commit(requests);
      return Tables::Datagrams{};
    });
  }
  SUBCASE("not applied") {
    answerTransactions(rig, [](const Requests&) { return Tables::Datagrams{}; });
  }
  SUBCASE("somebody else's transaction was applied") {
    answerTransactions(rig, [&rig](const Requests&) {
      ++rig.tables.generation;
      return Tables::Datagrams{};
    });
  }
  SUBCASE("several were: nobody knows") {
    unknown = true;
    answerTransactions(rig, [&rig](const Requests&) {
      rig.tables.generation += 2;
      return Tables::Datagrams{};
    });
  }
  const std::vector<Failure> failures = rig.apply(rows, 1, Control::within(100ms));
  CHECK(failures.empty() == applied);
  CHECK(rig.generation == 0);
  if (!applied) {
    CHECK(failures[0].status.cause == Cause::timeout);
    CHECK(failures[0].unknown == unknown);
  }
}

namespace {

// What a change was told, what was asked and heard after it, and what is to be concluded.
struct Ending {
  const char* name;
  bool carriedOut;
  Cause answer;    // none: acknowledged; timeout: no answer; malformed: nonsense; rejected: refused
  int question;    // 0: the generation is told; an errno: it is not
  bool lasting;    // not even when it is asked again
  uint32_t others; // transactions of others right behind
  enum : uint8_t { done, notApplied, unknown } conclusion;
};

constexpr Ending endings[] = {
    {"acknowledged", true, Cause::none, 0, false, 0, Ending::done},
    {"acknowledged, and others at once", true, Cause::none, 0, false, 3, Ending::done},
    {"acknowledged, and the question fails once", true, Cause::none, EPERM, false, 0, Ending::done},
    {"acknowledged, and every question fails", true, Cause::none, EPERM, true, 0, Ending::unknown},
    {"acknowledged, but not carried out", false, Cause::none, 0, false, 0, Ending::notApplied},
    {"acknowledged, not carried out, and every question fails", false, Cause::none, EPERM, true, 0, Ending::unknown},
    {"refused", false, Cause::rejected, 0, false, 0, Ending::notApplied},
    {"refused, and every question fails", false, Cause::rejected, EPERM, true, 0, Ending::notApplied},
    {"lost", true, Cause::timeout, 0, false, 0, Ending::done},
    {"lost, and others at once", true, Cause::timeout, 0, false, 3, Ending::done},
    {"lost, and every question fails", true, Cause::timeout, EPERM, true, 0, Ending::unknown},
    {"never heard of", false, Cause::timeout, 0, false, 0, Ending::notApplied},
    {"never heard of, but somebody else's", false, Cause::timeout, 0, false, 1, Ending::notApplied},
    {"never heard of, but others'", false, Cause::timeout, 0, false, 2, Ending::unknown},
    {"never heard of, and every question fails", false, Cause::timeout, EPERM, true, 0, Ending::unknown},
    {"nonsense, carried out", true, Cause::malformed, 0, false, 0, Ending::done},
    {"nonsense, not carried out", false, Cause::malformed, 0, false, 0, Ending::notApplied},
};

} // namespace

TEST_CASE("what is concluded from what was heard") {
  for (const Ending& ending : endings) {
    CAPTURE(ending.name);
    Rig rig;
    REQUIRE(rig.apply({exact(1, 80)}).empty());
    bool sent = false;
    bool asked = false;
    rig.tables.intercept = [&](const Requests& requests) -> Answers {
      if (!Tables::isTransaction(requests)) {
        const bool fails = sent && ending.question != 0 && (!asked || ending.lasting);
        asked = asked || sent;
        return fails ? Answers(Tables::Datagrams{Tables::refuse(requests[0], ending.question)}) : std::nullopt;
      }
      sent = true;
      const Tables::Datagrams acknowledgement =
          ending.carriedOut ? rig.tables.commit(requests) : Tables::acknowledge(requests);
      rig.tables.generation += ending.others;
      switch (ending.answer) {
      case Cause::none:
        return acknowledgement;
      case Cause::rejected:
        return Tables::Datagrams{Tables::refuse(messageOf(requests, NFT_MSG_NEWSETELEM), EEXIST)};
      case Cause::malformed:
        return Tables::Datagrams{Datagram(3)};
      default:
        return Tables::Datagrams{};
      }
    };
    const std::vector<Failure> failures = rig.apply({exact(2, 80)}, 0, Control::within(50ms));
    CHECK(failures.empty() == (ending.conclusion == Ending::done));
    if (!failures.empty()) {
      CHECK(failures[0].unknown == (ending.conclusion == Ending::unknown));
      CHECK_FALSE(failures[0].status.ok());
    }
    CHECK(rig.leftovers.ok());
  }
}

TEST_CASE("a change whose answers are lost ends in the time for reading back, and at once when nobody wants to wait") {
  Rig rig;
  REQUIRE(rig.apply({exact(1, 80)}).empty());
  bool silent = false;
  rig.tables.intercept = [&](const Requests& requests) -> Answers {
    silent = silent || Tables::isTransaction(requests);
    return silent ? Answers(Tables::Datagrams{}) : std::nullopt;
  };
  const auto start = netlink::Clock::now();
  Control control = Control::within(50ms);
  SUBCASE("by itself") {}
  SUBCASE("closing") {
    control.interrupted = [](bool readingBack) { return readingBack ? Cause::closed : Cause::none; };
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

TEST_CASE("errors that only the first of several questions is told of end the wait") {
  Rig rig;
  rig.tables.intercept = [](const Requests& requests) -> Answers {
    return Tables::Datagrams{Tables::refuse(requests[0], EPERM)};
  };
  const std::vector<Failure> failures = rig.apply({exact(1, 80)});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.error == EPERM);
  CHECK(rig.marks.open(soon(), true).error == EPERM);
}

TEST_CASE("a kernel without nf_tables") {
  Rig rig;
  rig.tables.intercept = [](const Requests& requests) -> Answers {
    return Tables::Datagrams{Tables::refuse(requests[0], EINVAL)};
  };
  CHECK(rig.marks.open(soon(), true).cause == Cause::unavailable);
}

TEST_CASE("dropping the table") {
  Rig rig;
  CHECK(rig.apply({exact(1, 80)}).empty());
  SUBCASE("removes it") {}
  SUBCASE("settles a lost answer") {
    answerTransactions(rig, [&rig](const Requests& requests) {
      rig.tables.commit(requests);
      return Tables::Datagrams{};
    });
  }
  CHECK(rig.marks.drop(Control::within(200ms)).status.ok());
  CHECK(rig.list().empty());
  SUBCASE("is unknown when somebody makes it again meanwhile") {
    CHECK(rig.apply({exact(1, 80)}).empty());
    answerTransactions(rig, [&rig](const Requests&) {
      rig.tables.generation += 2;
      return Tables::Datagrams{};
    });
    CHECK(rig.marks.drop(Control::within(50ms)).unknown);
  }
  SUBCASE("is done when there is none") {
    answerTransactions(rig, [](const Requests& requests) {
      return Tables::Datagrams{Tables::refuse(messageOf(requests, NFT_MSG_DELTABLE), ENOENT)};
    });
    CHECK(rig.marks.drop(soon()).status.ok());
  }
}
