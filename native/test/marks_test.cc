// The mark map against a scripted nf_tables: its transactions, and listings.
#include "marks_rig.h"

#include <cerrno>

namespace {

using namespace std::chrono_literals;
using namespace fake;
using Requests = Tables::Requests;
using Replies = std::optional<Tables::Datagrams>;

} // namespace

TEST_CASE("the first rule creates only the objects that it requires, in one transaction") {
  Rig rig;
  CHECK(rig.apply({exact(1, 80), exact(1, 443)}).empty());
  CHECK(rig.generation == 2);
  CHECK(rig.shape() == std::vector<int>{NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWCHAIN, NFT_MSG_NEWCHAIN,
                                        NFT_MSG_NEWRULE, NFT_MSG_NEWRULE, NFT_MSG_NEWSET, NFT_MSG_NEWRULE,
                                        NFT_MSG_NEWSETELEM});
  uint32_t sent = 0;
  const netlink::Bytes begin = Tables::attributesOf(rig.tables.transactions[0][0]);
  CHECK(nftables::readU32(nftables::findAttribute(begin, NFNL_BATCH_GENID), sent));
  CHECK(sent == 1);
  CHECK(rig.list().size() == 2);
}

TEST_CASE("later changes send only elements, removals first") {
  Rig rig;
  CHECK(rig.apply({exact(1, 80), range(100, 200)}).empty());
  CHECK(rig.apply({exact(1, 80), range(100, 200), exact(1, 80, 8), exact(2, 80)}, 2).empty());
  CHECK(rig.shape(1) == std::vector<int>{NFT_MSG_DELSETELEM, NFT_MSG_DELSETELEM, NFT_MSG_NEWSETELEM});
  CHECK_FALSE(rig.tables.strayData);
  const std::vector<Element> listed = rig.list();
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].mark == 8);
  CHECK(rig.apply({}).empty());
  CHECK(rig.tables.transactions.size() == 2); // nothing to do
}

TEST_CASE("many elements are split into messages that fit 16-bit lengths") {
  Rig rig;
  std::vector<Element> rows;
  rows.reserve(5000);
  for (uint32_t i = 0; i < 5000; ++i) {
    rows.push_back(exact(i, 80, i + 1));
  }
  CHECK(rig.apply(rows).empty());
  const std::vector<int> shape = rig.shape();
  CHECK(std::ranges::count(shape, NFT_MSG_NEWSETELEM) == 5);
  for (const netlink::Message& message : rig.tables.transactions[0]) {
    CHECK(message.payload.size() < 65000);
  }
  const std::vector<Element> listed = rig.tables.elements["exact4"];
  REQUIRE(listed.size() == rows.size());
  CHECK(listed[4999].mark == 5000);
}

TEST_CASE("the next change restores missing objects") {
  Rig rig;
  CHECK(rig.apply({exact(1, 80)}).empty());
  SUBCASE("the rules") {
    rig.tables.forgetRules();
    CHECK(rig.apply({}).empty());
    CHECK(rig.shape(1) == std::vector<int>{NFT_MSG_NEWRULE, NFT_MSG_NEWRULE, NFT_MSG_NEWRULE});
  }
  SUBCASE("a chain") {
    rig.tables.forget("chain output");
    CHECK(rig.apply({exact(1, 81)}).empty());
    CHECK(rig.shape(1) == std::vector<int>{NFT_MSG_NEWCHAIN, NFT_MSG_NEWSETELEM});
  }
}

TEST_CASE("a listing is sorted, and repeated until it is consistent") {
  Rig rig;
  CHECK(rig.list().empty());
  CHECK(rig.apply({exact(9, 80), exact(2, 443), exact(2, 80), range(1, 9)}).empty());
  int changes = 0;
  SUBCASE("at once") {}
  SUBCASE("after concurrent changes of the ruleset") { changes = 3; }
  rig.tables.intercept = [&](const Requests& requests) -> Replies {
    if (Tables::messageOf(requests[0]) == NFT_MSG_GETSETELEM && changes > 0) {
      --changes;
      ++rig.tables.generation;
    }
    return std::nullopt;
  };
  const std::vector<Element> rows = rig.list();
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].place == 1);
  CHECK(rows[1].portFrom == 80);
  CHECK(rows[2].portFrom == 443);
  CHECK(rows[3].portFrom == 80);
  CHECK(rig.generation == rig.tables.generation);
}

TEST_CASE("a listing that is never consistent is a conflict") {
  Rig rig;
  rig.tables.intercept = [&rig](const Requests& requests) -> Replies {
    rig.tables.generation += Tables::messageOf(requests[0]) == NFT_MSG_GETSETELEM ? 1 : 0;
    return std::nullopt;
  };
  std::vector<Element> rows;
  uint32_t generation = 0;
  CHECK(rig.marks.list(soon(), rows, generation).status.kind == FailureKind::conflict);
}

TEST_CASE("an inconsistent dump is detected even with an unchanged generation") {
  Rig rig;
  CHECK(rig.apply({exact(1, 80), exact(2, 80)}).empty());
  const std::vector<Element> whole = rig.tables.elements["exact4"];
  int dumps = 0;
  rig.tables.intercept = [&](const Requests& requests) -> Replies {
    if (Tables::messageOf(requests[0]) == NFT_MSG_GETSETELEM) {
      // As by a resize of the hash table: one element twice, another one missing.
      rig.tables.elements["exact4"] = ++dumps == 1 ? std::vector{whole[0], whole[0]} : whole;
    }
    return std::nullopt;
  };
  const std::vector<Element> rows = rig.list();
  REQUIRE(rows.size() == 2);
  CHECK(nftables::keyLess(rows[0], rows[1]));
}
