// Replacement of ranges against a scripted nf_tables: the transactions, and failures of each.
#include "marks_rig.h"
#include "nftables/rule_reader.h"

#include <cerrno>

namespace {

using namespace std::chrono_literals;
using namespace fake;
using Requests = Tables::Requests;
using Replies = std::optional<Tables::Datagrams>;

constexpr size_t bridging = 1; // indices of transactions; 0 adds the old range
constexpr size_t change = 2;
constexpr size_t clearing = 3;

struct Replaced : Rig {
  Element old = range(10000, 20000);
  Element fresh = range(10000, 15000);

  Replaced() {
    fresh.mark = 8;
    CHECK(apply({old}).empty());
  }

  using Intercept = std::function<Replies(const Requests&)>;
  void reply(Intercept what) {
    const std::lock_guard lock(mutex);
    tables.intercept = std::move(what);
  }

  // Refuses the first message of transaction `number`.
  void refuse(size_t number, int error) {
    reply([this, number, error](const Requests& requests) -> Replies {
      const bool refused = Tables::isTransaction(requests) && tables.transactions.size() == number + 1;
      return refused ? std::optional(Tables::Datagrams{Tables::refuse(requests[error == ERESTART ? 0 : 1], error)})
                     : std::nullopt;
    });
  }

  std::vector<int> last() const { return shape(tables.transactions.size() - 1); }
};

uint32_t markOf(const netlink::Message& rule) {
  const netlink::Bytes expressions = nftables::findAttribute(Tables::attributesOf(rule), NFTA_RULE_EXPRESSIONS);
  return nftables::parseRule(expressions, NFPROTO_INET).marks.at(0).mark.value_or(0);
}

} // namespace

TEST_CASE_FIXTURE(Replaced,
                  "bridges for the old ranges are added before the change, bridges for the new ones with it") {
  const Element elsewhere = markRow("10.9.0.0", "10.9.255.255", 6, 1, 9, 7);
  CHECK(apply({old, fresh, elsewhere, exact(3, 80)}, 1).empty());
  CHECK(shape(bridging) == std::vector<int>{NFT_MSG_NEWRULE});
  CHECK(markOf(messageOf(tables.transactions[bridging], NFT_MSG_NEWRULE)) == 7);
  CHECK(shape(change) == std::vector<int>{NFT_MSG_NEWSET, NFT_MSG_NEWRULE, NFT_MSG_DELRULE, NFT_MSG_NEWRULE,
                                          NFT_MSG_DELSETELEM, NFT_MSG_NEWSETELEM, NFT_MSG_NEWSETELEM});
  CHECK(markOf(tables.transactions[change][4]) == 8);
  CHECK(shape(clearing) == std::vector<int>{NFT_MSG_DELRULE});
  CHECK(generation == tables.generation);
  CHECK(apply({}).empty());
  CHECK(tables.transactions.size() == clearing + 1); // no bridge is left to remove
}

TEST_CASE_FIXTURE(Replaced, "no bridges without an overlap") {
  const Element elsewhere = markRow("10.9.0.0", "10.9.255.255", 6, 1, 9, 7);
  SUBCASE("for ranges that are only added or only removed") {
    CHECK(apply({elsewhere}).empty());
    CHECK(apply({elsewhere}, 1).empty());
    CHECK(tables.transactions.size() == 3);
  }
  SUBCASE("on kernels that replace ranges without a gap") {
    nftables::Marks direct(kernel.connector(), "ipvs", false);
    CHECK(direct.apply(generation, std::vector{old, fresh}, 1, soon()).failures.empty());
    CHECK(last() == std::vector<int>{NFT_MSG_DELSETELEM, NFT_MSG_NEWSETELEM});
  }
  SUBCASE("without the chain that looks the ranges up") {
    tables.forget("chain marks");
    CHECK(apply({old, fresh}, 1).empty());
    CHECK(shape(1).front() == NFT_MSG_NEWCHAIN);
  }
}

TEST_CASE_FIXTURE(Replaced, "if bridges cannot be added, nothing is changed") {
  int error = 0;
  SUBCASE("refused") { error = ENOMEM; }
  SUBCASE("the ruleset has changed") { error = ERESTART; }
  refuse(bridging, error);
  const std::vector<Failure> failures = apply({old, fresh}, 1);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.error == error);
  CHECK_FALSE(failures[0].unknown);
  CHECK(tables.transactions.size() == bridging + 1);
  CHECK(list().at(0).mark == 7);
}

TEST_CASE_FIXTURE(Replaced, "a change of the ruleset right after the bridges is detected") {
  reply([this](const Requests& requests) -> Replies {
    if (!Tables::isTransaction(requests)) {
      return std::nullopt;
    }
    Tables::Datagrams replies = tables.commit(requests);
    ++tables.generation;
    return replies;
  });
  const std::vector<Failure> failures = apply({old, fresh}, 1);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.error == ERESTART);
  CHECK(tables.transactions.size() == bridging + 2);
  CHECK(last() == std::vector<int>{NFT_MSG_DELRULE}); // the bridges are removed
}

TEST_CASE_FIXTURE(Replaced, "a lost reply to the first transaction: the outcome is known") {
  reply([this](const Requests& requests) -> Replies {
    if (!Tables::isTransaction(requests)) {
      return std::nullopt;
    }
    (void)tables.commit(requests);
    return Tables::Datagrams{};
  });
  const std::vector<Failure> failures = apply({old, fresh}, 1, Control::within(100ms));
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.kind == FailureKind::timeout);
  CHECK_FALSE(failures[0].unknown);
  reply({});
  CHECK(list().at(0).mark == 7);
  CHECK(apply({}).empty());
  CHECK(last() == std::vector<int>{NFT_MSG_DELRULE});
}

TEST_CASE_FIXTURE(Replaced, "a refused change removes its bridges") {
  refuse(change, EEXIST);
  const std::vector<Failure> failures = apply({old, fresh}, 1);
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.error == EEXIST);
  CHECK(last() == std::vector<int>{NFT_MSG_DELRULE});
  CHECK(list().at(0).mark == 7);
  CHECK(apply({}).empty());
  CHECK(tables.transactions.size() == clearing + 1);
}

TEST_CASE_FIXTURE(Replaced, "the next change removes bridges that could not be removed") {
  bool refusing = true;
  reply([&](const Requests& requests) -> Replies {
    const bool removal =
        Tables::isTransaction(requests) && requests.size() == 3 && Tables::messageOf(requests[1]) == NFT_MSG_DELRULE;
    return refusing && removal ? std::optional(Tables::Datagrams{Tables::refuse(requests[1], EBUSY)}) : std::nullopt;
  });
  CHECK(apply({old, fresh}, 1).empty());
  CHECK(generation == 0); // unknown
  refusing = false;
  CHECK(list().size() == 1);
  CHECK(apply({}).empty());
  CHECK(last() == std::vector<int>{NFT_MSG_DELRULE});
}
