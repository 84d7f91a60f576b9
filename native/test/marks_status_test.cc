// What others do to the objects around the elements: seen, and mended by the next change, in one transaction.
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

  // Mends, and sees to it that all is well then and nothing is sent any more.
  void mend(const std::vector<int>& messages) {
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

TEST_CASE_FIXTURE(Table, "a table as it should be has no problems, nor has one without rules") {
  CHECK(status().empty());
  Rig empty;
  std::string text;
  CHECK(empty.marks.status(soon(), text).status.ok());
  CHECK(text.empty());
  CHECK(empty.apply({exact(1, 80)}).empty());
  CHECK(empty.apply({exact(1, 80)}, 1).empty());
  empty.tables.forgetRules(); // which no rule needs
  CHECK(empty.marks.status(soon(), text).status.ok());
  CHECK(text.empty());
}

TEST_CASE_FIXTURE(Table, "a flushed table") {
  tables.forgetRules(); // and the rule in the chain `special` with them
  CHECK(status() == "jump prerouting marks\njump output marks\nlookup exact4\nlookup ranges4\n");
  CHECK(apply({}).empty());
  CHECK(std::ranges::count(shape(1), NFT_MSG_NEWRULE) == 6); // the chain `special` may get rules again
  CHECK(status().empty());
}

TEST_CASE_FIXTURE(Table, "chains that others have deleted, with elements that are left") {
  tables.forgetRules();
  tables.forget("chain marks");
  tables.forget("chain prerouting");
  CHECK(status() == "chain marks\nchain prerouting\njump prerouting marks\njump output marks\nlookup exact4\n"
                    "lookup ranges4\n");
  CHECK(apply({}).empty());
  CHECK(status().empty());
}

TEST_CASE_FIXTURE(Table, "a dormant table is woken by the next change") {
  tables.sleep();
  CHECK(status() == "dormant\n");
  SUBCASE("of nothing") { mend({NFT_MSG_NEWTABLE}); }
  SUBCASE("that adds") {
    CHECK(apply({exact(2, 80)}).empty());
    CHECK(shape(1) == std::vector<int>{NFT_MSG_NEWTABLE, NFT_MSG_NEWSETELEM});
    CHECK(status().empty());
  }
  SUBCASE("behind chains that are created") { // see createObjects()
    tables.forget("chain output");
    CHECK(apply({}).empty());
    CHECK(shape(1) == std::vector<int>{NFT_MSG_NEWCHAIN, NFT_MSG_NEWTABLE});
  }
}

TEST_CASE_FIXTURE(Table, "jumps and lookups that are there twice") {
  tables.addRule("marks", expressions([](netlink::Writer& writer) { nftables::writeLookup(writer, exact4); }));
  tables.addRule("output", expressions([](netlink::Writer& writer) { nftables::writeJump(writer, "marks"); }));
  CHECK(status().starts_with("surplus marks "));
  CHECK(status().find("\nsurplus output ") != std::string::npos);
  mend({NFT_MSG_DELRULE, NFT_MSG_DELRULE});
}

TEST_CASE_FIXTURE(Table, "a jump behind the chain that is to prevail is moved in front") {
  while (status().empty()) {
    tables.turnRules(); // until the jump to marks in one chain comes behind that to special
  }
  CHECK(status().starts_with("jump "));
  CHECK(status().find("surplus ") != std::string::npos);
  CHECK(apply({}).empty());
  CHECK(status().empty());
}

TEST_CASE_FIXTURE(Table, "a lookup that is for some packets only does not count") {
  const auto limited = expressions([](netlink::Writer& writer) {
    Element tcp{};
    tcp.family = AF_INET;
    std::fill_n(tcp.sourceTo, 4, std::byte{0xff});
    std::fill_n(tcp.addressTo, 4, std::byte{0xff});
    tcp.portTo = tcp.sourcePortTo = UINT16_MAX;
    tcp.protocol = 6;
    tcp.place = static_cast<uint8_t>(nftables::Place::srcnat);
    nftables::writeRule(writer, tcp); // masquerade, which does not matter
    nftables::writeLookup(writer, exact4);
  });
  tables.forgetRules();
  CHECK(apply({}).empty());
  CHECK(status().empty());
  tables.forgetRules();
  tables.addRule("marks", limited);
  CHECK(status().find("lookup exact4\n") != std::string::npos);
}

TEST_CASE_FIXTURE(Table, "rules of others that no packet gets past") {
  const Datagram rule = ending();
  SUBCASE("in front of ours") {
    tables.addRule("prerouting", rule, true);
    CHECK(status().starts_with("obstacle prerouting "));
    CHECK(apply({}).empty());
    CHECK(tables.transactions.size() == 1); // it is not ours to remove
  }
  SUBCASE("behind ours") {
    tables.addRule("prerouting", rule);
    CHECK(status().empty());
  }
}

TEST_CASE_FIXTURE(Table, "a temporary rule is shown, and goes when the table is opened") {
  Element rule = ruleRow();
  const auto left = expressions([&rule](netlink::Writer& writer) { nftables::writeRule(writer, rule); });
  tables.addRule("marks", left, true);
  CHECK(status().starts_with("temporary marks "));
  SUBCASE("to change it") {
    CHECK(marks.open(soon(), true).ok());
    CHECK(status().empty());
  }
  SUBCASE("but not to look at it") {
    CHECK(marks.open(soon(), false).ok());
    CHECK(status().starts_with("temporary marks "));
  }
  SUBCASE("unless it changes meanwhile, being somebody's who works on it") {
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

TEST_CASE_FIXTURE(Table, "an export has what others have taken away") {
  std::string whole;
  std::string broken;
  CHECK(marks.exportTable(soon(), whole).status.ok());
  tables.forget("chain prerouting");
  CHECK(marks.exportTable(soon(), broken).status.ok());
  CHECK(broken == whole);
}
