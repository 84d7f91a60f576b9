// Changes by other programs to the objects around the elements: reported, and repaired by the next change in one
// transaction.
#include "marks_rig.h"
#include "nftables/expressions.h"

namespace {

using namespace fake;

struct Table : Rig {
  Table() { CHECK(apply({exact(1, 80), range(100, 200), ruleRow()}).empty()); }

  std::string status() {
    std::string text;
    CHECK(marks.status(soon(), text).status.ok());
    return text;
  }

  // Repairs the table by one transaction with these messages, and checks that no problem is left.
  void repair(const std::vector<int>& messages) {
    CHECK(apply({}).empty());
    CHECK(shape(1) == messages);
    CHECK(status().empty());
    CHECK(apply({}).empty());
    CHECK(tables.transactions.size() == 2);
  }
};

Datagram expressions(const std::function<void(netlink::Writer&)>& write) {
  Datagram bytes;
  netlink::Writer writer(bytes);
  write(writer);
  return bytes;
}

// accept
Datagram ending() {
  return expressions([](netlink::Writer& writer) {
    const size_t element = writer.beginNest(NFTA_LIST_ELEM);
    writer.text(NFTA_EXPR_NAME, "immediate");
    const size_t data = writer.beginNest(NFTA_EXPR_DATA);
    writer.valueBigEndian(NFTA_IMMEDIATE_DREG, uint32_t{NFT_REG_VERDICT});
    const size_t content = writer.beginNest(NFTA_IMMEDIATE_DATA);
    const size_t verdict = writer.beginNest(NFTA_DATA_VERDICT);
    writer.valueBigEndian(NFTA_VERDICT_CODE, uint32_t{NF_ACCEPT});
    writer.endNest(verdict);
    writer.endNest(content);
    writer.endNest(data);
    writer.endNest(element);
  });
}

const nftables::MapDefinition& exact4 = nftables::maps[0];

} // namespace

TEST_CASE_FIXTURE(Table, "neither an intact table nor an empty one has problems") {
  CHECK(status().empty());
  Rig empty;
  std::string text;
  CHECK(empty.marks.status(soon(), text).status.ok());
  CHECK(text.empty());
  CHECK(empty.apply({exact(1, 80)}).empty());
  CHECK(empty.apply({exact(1, 80)}, 1).empty());
  empty.tables.forgetRules(); // not required without rows
  CHECK(empty.marks.status(soon(), text).status.ok());
  CHECK(text.empty());
}

TEST_CASE_FIXTURE(Table, "a flushed table") {
  tables.forgetRules(); // including the row in the chain `special`
  CHECK(status() == "jump prerouting marks\njump output marks\nlookup exact4\nlookup ranges4\n");
  CHECK(apply({}).empty());
  CHECK(std::ranges::count(shape(1), NFT_MSG_NEWRULE) == 6); // the chain `special` may get rules again
  CHECK(status().empty());
}

TEST_CASE_FIXTURE(Table, "deleted chains, with elements left") {
  tables.forgetRules();
  tables.forget("chain marks");
  tables.forget("chain prerouting");
  CHECK(status() == "chain marks\nchain prerouting\njump prerouting marks\njump output marks\nlookup exact4\n"
                    "lookup ranges4\n");
  CHECK(apply({}).empty());
  CHECK(status().empty());
}

TEST_CASE_FIXTURE(Table, "the next change clears the dormant flag") {
  tables.sleep();
  CHECK(status() == "dormant\n");
  SUBCASE("a repair") { repair({NFT_MSG_NEWTABLE}); }
  SUBCASE("an addition") {
    CHECK(apply({exact(2, 80)}).empty());
    CHECK(shape(1) == std::vector<int>{NFT_MSG_NEWTABLE, NFT_MSG_NEWSETELEM});
    CHECK(status().empty());
  }
  SUBCASE("after the creation of chains") { // see createObjects()
    tables.forget("chain output");
    CHECK(apply({}).empty());
    CHECK(shape(1) == std::vector<int>{NFT_MSG_NEWCHAIN, NFT_MSG_NEWTABLE});
  }
}

TEST_CASE_FIXTURE(Table, "duplicate jumps and lookups") {
  tables.addRule("marks", expressions([](netlink::Writer& writer) { nftables::writeLookup(writer, exact4); }));
  tables.addRule("output", expressions([](netlink::Writer& writer) { nftables::writeJump(writer, "marks"); }));
  CHECK(status().starts_with("surplus marks "));
  CHECK(status().find("\nsurplus output ") != std::string::npos);
  repair({NFT_MSG_DELRULE, NFT_MSG_DELRULE});
}

TEST_CASE_FIXTURE(Table, "a jump to `marks` behind the jump to `special` is moved in front of it") {
  while (status().empty()) {
    tables.rotateRules(); // until one chain has the wrong order
  }
  CHECK(status().starts_with("jump "));
  CHECK(status().find("surplus ") != std::string::npos);
  CHECK(apply({}).empty());
  CHECK(status().empty());
}

TEST_CASE_FIXTURE(Table, "a conditional lookup does not count") {
  const auto limited = expressions([](netlink::Writer& writer) {
    Element tcp{};
    tcp.family = AF_INET;
    std::fill_n(tcp.sourceTo, 4, std::byte{0xff});
    std::fill_n(tcp.addressTo, 4, std::byte{0xff});
    tcp.portTo = tcp.sourcePortTo = UINT16_MAX;
    tcp.protocol = 6;
    tcp.place = static_cast<uint8_t>(nftables::Place::srcnat);
    nftables::writeRule(writer, tcp); // its statement (masquerade) is irrelevant
    nftables::writeLookup(writer, exact4);
  });
  tables.forgetRules();
  CHECK(apply({}).empty());
  CHECK(status().empty());
  tables.forgetRules();
  tables.addRule("marks", limited);
  CHECK(status().find("lookup exact4\n") != std::string::npos);
}

TEST_CASE_FIXTURE(Table, "foreign rules that end a chain for all packets") {
  const Datagram rule = ending();
  SUBCASE("in front of ours") {
    tables.addRule("prerouting", rule, true);
    CHECK(status().starts_with("obstacle prerouting "));
    CHECK(apply({}).empty());
    CHECK(tables.transactions.size() == 1); // foreign rules are not removed
  }
  SUBCASE("behind ours") {
    tables.addRule("prerouting", rule);
    CHECK(status().empty());
  }
}

TEST_CASE_FIXTURE(Table, "a temporary rule is reported") {
  Element rule = ruleRow();
  const auto left = expressions([&rule](netlink::Writer& writer) { nftables::writeRule(writer, rule); });
  tables.addRule("marks", left, true);
  CHECK(status().starts_with("temporary marks "));
  SUBCASE("and removed when the table is opened for changes") {
    CHECK(marks.open(soon(), true).ok());
    CHECK(status().empty());
  }
  SUBCASE("and kept when the table is opened for reading") {
    CHECK(marks.open(soon(), false).ok());
    CHECK(status().starts_with("temporary marks "));
  }
  SUBCASE("and kept when it belongs to a running change") {
    int dumps = 0;
    tables.intercept = [&](const Tables::Requests& requests) -> std::optional<Tables::Datagrams> {
      if (Tables::messageOf(requests[0]) == NFT_MSG_GETRULE && ++dumps == 2) {
        tables.forgetRule(0);
        tables.addRule("marks", left, true); // another handle
      }
      return std::nullopt;
    };
    CHECK(marks.open(soon(), true).ok());
    CHECK(status().starts_with("temporary marks "));
  }
}

TEST_CASE_FIXTURE(Table, "an export includes missing objects") {
  std::string whole;
  std::string broken;
  CHECK(marks.exportTable(soon(), whole).status.ok());
  tables.forget("chain prerouting");
  CHECK(marks.exportTable(soon(), broken).status.ok());
  CHECK(broken == whole);
}
