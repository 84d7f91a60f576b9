// Rules of their own in chains, and what rules of others say about marks.
#include "marks_rig.h"
#include "nftables/expressions.h"
#include "nftables/meaning.h"
#include "nftables/rules.h"

#include <random>

#include <linux/netfilter/nf_tables_compat.h>

using namespace fake; // NOLINT
using nftables::interpret;
using nftables::Meaning;
using nftables::Place;

namespace {

template <size_t Size> void setText(char (&target)[Size], std::string_view text) {
  REQUIRE(text.copy(target, Size - 1) == text.size());
}

// Padding is zero in both.
std::vector<std::byte> bytesOf(const Element& row) {
  const auto bytes = std::as_bytes(std::span(&row, 1));
  return {bytes.begin(), bytes.end()};
}

Element ruleRow(Place place = Place::special) {
  Element row = markRow("172.16.0.100", "172.16.0.100", 6, 80, 80, 7);
  row.place = static_cast<uint8_t>(place);
  if (place != Place::special) {
    row.mark = 0;
  }
  return row;
}

std::vector<std::byte> programOf(const Element& row) {
  std::vector<std::byte> bytes;
  netlink::Writer writer(bytes);
  nftables::writeRule(writer, row);
  return bytes;
}

// A rule as a list of expressions that `body` writes one by one.
template <typename Body> std::vector<std::byte> program(Body body) {
  std::vector<std::byte> bytes;
  netlink::Writer writer(bytes);
  body([&writer](std::string_view name, const auto& attributes) {
    const size_t element = writer.beginNest(NFTA_LIST_ELEM);
    writer.text(NFTA_EXPR_NAME, name);
    const size_t data = writer.beginNest(NFTA_EXPR_DATA);
    attributes(writer);
    writer.endNest(data);
    writer.endNest(element);
  });
  return bytes;
}

void put(netlink::Writer& writer, uint16_t type, uint32_t number) { writer.valueBigEndian(type, number); }

template <typename T> void putData(netlink::Writer& writer, uint16_t type, T value) {
  const size_t nest = writer.beginNest(type);
  writer.value(NFTA_DATA_VALUE, value);
  writer.endNest(nest);
}

void loadMark(netlink::Writer& writer) {
  put(writer, NFTA_META_KEY, NFT_META_MARK);
  put(writer, NFTA_META_DREG, NFT_REG_1);
}

void setMark(netlink::Writer& writer) {
  put(writer, NFTA_META_KEY, NFT_META_MARK);
  put(writer, NFTA_META_SREG, NFT_REG_1);
}

auto bits(uint32_t mask, uint32_t toggle) {
  return [mask, toggle](netlink::Writer& writer) {
    put(writer, NFTA_BITWISE_SREG, NFT_REG_1);
    put(writer, NFTA_BITWISE_DREG, NFT_REG_1);
    put(writer, NFTA_BITWISE_LEN, 4);
    putData(writer, NFTA_BITWISE_MASK, mask);
    putData(writer, NFTA_BITWISE_XOR, toggle);
  };
}

auto target(const char* name, uint32_t revision, const std::vector<uint32_t>& info) {
  return [=](netlink::Writer& writer) {
    writer.text(NFTA_TARGET_NAME, name);
    put(writer, NFTA_TARGET_REV, revision);
    writer.attribute(NFTA_TARGET_INFO, info.data(), info.size() * sizeof(uint32_t));
  };
}

Element roundTrip(const Element& row) {
  Rig rig;
  CHECK(rig.apply({row}).empty());
  const std::vector<Element> rows = rig.list();
  REQUIRE(rows.size() == 1);
  return rows[0];
}

} // namespace

TEST_CASE("rules come back as they were, whatever they ask for") {
  std::mt19937 random(7); // NOLINT: the same every time
  const auto chance = [&random] { return random() % 2 == 0; };
  const auto port = [&random] { return static_cast<uint16_t>(1 + random() % 65535); };
  for (int i = 0; i < 300; ++i) {
    const bool ipv4 = chance();
    Element row =
        ipv4 ? markRow("10.1.2.3", "10.1.2.3", 6, 80, 80, 7) : markRow("2001:db8::5", "2001:db8::5", 17, 53, 53, 9);
    const Place place = std::array{Place::special, Place::srcnat, Place::dstnat}[random() % 3];
    row.place = static_cast<uint8_t>(place);
    row.mark = place == Place::special ? static_cast<uint32_t>(random() | 1) : 0;
    row.mask = place == Place::special && chance() ? row.mark | static_cast<uint32_t>(random()) : UINT32_MAX;
    row.targetPort = place == Place::dstnat && chance() ? port() : uint16_t{0};
    // Blocks of every size, and ranges that are none.
    const size_t length = ipv4 ? 4 : 16;
    const size_t prefix = random() % (length * 8 + 1);
    for (size_t bit = prefix; bit < length * 8; ++bit) {
      row.addressFrom[bit / 8] &= ~(std::byte{0x80} >> (bit % 8));
      row.addressTo[bit / 8] |= std::byte{0x80} >> (bit % 8);
    }
    if (chance()) {
      setSource(row, ipv4 ? "192.0.2.5" : "2001:db8::1", ipv4 ? "192.0.2.77" : "2001:db8::1:9");
    }
    if (chance()) {
      row.portTo = static_cast<uint16_t>(std::max<uint32_t>(row.portFrom, port()));
    } else if (chance()) {
      row.portFrom = 0;
      row.portTo = UINT16_MAX;
    }
    if (chance()) {
      row.sourcePortFrom = row.sourcePortTo = 20;
    }
    row.protocol = chance() ? row.protocol : uint16_t{0};
    setText(row.interface, chance() ? "" : chance() ? "eth0" : "veth-of-lab*");
    row.counter = chance() ? 1 : 0;
    row.packets = row.counter != 0 ? random() : 0;
    row.bytes = row.counter != 0 ? random() : 0;
    row.rule = random();
    setText(row.comment, chance() ? "why" : "");
    Element listed = roundTrip(row);
    CHECK(listed.handle != 0);
    listed.handle = 0;
    row.present = nftables::elementPresent;
    CHECK(bytesOf(listed) == bytesOf(row));
  }
}

TEST_CASE("rules with a source or an interface stand behind the others") {
  Rig rig;
  Element source = ruleRow();
  setSource(source, "10.0.0.1", "10.0.0.1");
  Element interface = ruleRow();
  setText(interface.interface, "eth0");
  Element mask = ruleRow();
  mask.mask = 0xff;
  CHECK(rig.apply({source, mask, interface}).empty());
  std::vector<bool> append;
  for (const netlink::Message& message : rig.tables.transactions.at(0)) {
    const auto attributes = Tables::attributesOf(message);
    Place place{};
    if (Tables::messageOf(message) == NFT_MSG_NEWRULE && nftables::isRow(attributes, place)) {
      append.push_back((message.header.nlmsg_flags & NLM_F_APPEND) != 0);
    }
  }
  CHECK(append == std::vector{true, false, true});
}

TEST_CASE("a rule gets its chain, and the jump to it stands behind the one to the maps") {
  Rig rig;
  CHECK(rig.apply({ruleRow()}).empty());
  CHECK(rig.shape() == std::vector<int>{NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWCHAIN, NFT_MSG_NEWCHAIN,
                                        NFT_MSG_NEWRULE, NFT_MSG_NEWRULE, NFT_MSG_NEWRULE});
  const auto flagsOf = [&rig](size_t transaction) {
    std::vector<bool> append;
    for (const netlink::Message& message : rig.tables.transactions.at(transaction)) {
      if (Tables::messageOf(message) == NFT_MSG_NEWRULE) {
        append.push_back((message.header.nlmsg_flags & NLM_F_APPEND) != 0);
      }
    }
    return append;
  };
  CHECK(flagsOf(0) == std::vector{true, true, false}); // the jumps to `special`; the rule has neither source nor mask
  CHECK(rig.apply({exact(1, 80)}).empty());
  CHECK(flagsOf(1) == std::vector{false, false, true}); // jumps to `marks` come first, its lookups in order
}

TEST_CASE("NAT has chains of its own, and none of the others") {
  Rig rig;
  CHECK(rig.apply({ruleRow(Place::srcnat)}).empty());
  CHECK(rig.shape() == std::vector<int>{NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE});
  CHECK(rig.apply({ruleRow(Place::dstnat)}).empty());
  CHECK(rig.shape(1) == std::vector<int>{NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE});
}

TEST_CASE("a rule is removed by its handle, in the transaction that adds others") {
  Rig rig;
  CHECK(rig.apply({ruleRow(), exact(1, 80)}).empty());
  std::vector<Element> rows = rig.list();
  REQUIRE(rows.size() == 2);
  const auto rule = std::ranges::find_if(rows, nftables::isRule);
  Element other = ruleRow();
  other.mark = 8;
  CHECK(rig.apply({*rule, other}, 1).empty());
  CHECK(rig.shape(1) == std::vector<int>{NFT_MSG_DELRULE, NFT_MSG_NEWRULE});
  rows = rig.list();
  REQUIRE(rows.size() == 2);
  CHECK(std::ranges::find_if(rows, nftables::isRule)->mark == 8);
}

TEST_CASE("a refused rule is named") {
  Rig rig;
  answerTransactions(rig, [](const Tables::Requests& requests) {
    return Tables::Datagrams{Tables::refuse(requests[requests.size() - 2], EINVAL)};
  });
  const auto failures = rig.apply({exact(1, 80), ruleRow(), ruleRow(Place::srcnat)});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].index == 2);
  CHECK(failures[0].status.error == EINVAL);
}

TEST_CASE("a rule of another kind in our chains is a failure, not an omission") {
  Rig rig;
  CHECK(rig.apply({ruleRow()}).empty());
  rig.tables.forgetRules();
  const auto bytes = program([](auto expression) {
    expression("meta", loadMark);
    expression("meta", setMark);
  });
  rig.tables.addRule("special", bytes);
  std::vector<Element> rows;
  uint32_t generation = 0;
  const Failure failure = rig.marks.list(soon(), rows, generation);
  CHECK(failure.status.error == EOPNOTSUPP);
  CHECK(failure.attribute == "table");
  CHECK(failure.message.find("chain special has a rule of another kind (handle ") == 0);
}

TEST_CASE("marks that rules of others give are found as far as they are written there") {
  const auto marksOf = [](const std::vector<std::byte>& bytes) { return interpret(bytes, NFPROTO_IPV4).marks; };
  const auto one = [&marksOf](const std::vector<std::byte>& bytes) {
    const auto marks = marksOf(bytes);
    REQUIRE(marks.size() == 1);
    return marks[0];
  };
  SUBCASE("some bits, as `meta mark set meta mark and 0xffffff00 or 0x7`") {
    const auto effect = one(program([](auto expression) {
      expression("meta", loadMark);
      expression("bitwise", bits(0xffffff00, 0));
      expression("bitwise", bits(0xffffffff, 7));
      expression("meta", setMark);
    }));
    CHECK(effect.mark == 7U);
    CHECK(effect.mask == 0xff);
  }
  SUBCASE("the mark of the connection: nobody knows") {
    const auto effect = one(program([](auto expression) {
      expression("ct", [](netlink::Writer& writer) {
        put(writer, NFTA_CT_KEY, NFT_CT_MARK);
        put(writer, NFTA_CT_DREG, NFT_REG_1);
      });
      expression("meta", setMark);
    }));
    CHECK_FALSE(effect.mark);
    CHECK(effect.mask == UINT32_MAX);
  }
  SUBCASE("bits that are toggled: nobody knows") {
    const auto effect = one(program([](auto expression) {
      expression("meta", loadMark);
      expression("bitwise", bits(0xffffffff, 7));
      expression("bitwise", bits(0xffffffff, 2));
      expression("meta", setMark);
    }));
    CHECK_FALSE(effect.mark);
  }
  SUBCASE("a number that something else has overwritten") {
    const auto effect = one(program([](auto expression) {
      expression("immediate", [](netlink::Writer& writer) {
        put(writer, NFTA_IMMEDIATE_DREG, NFT_REG32_00);
        putData(writer, NFTA_IMMEDIATE_DATA, uint32_t{5});
      });
      expression("numgen", [](netlink::Writer&) {});
      expression("meta", setMark);
    }));
    CHECK_FALSE(effect.mark);
  }
  SUBCASE("iptables' MARK, CONNMARK and TPROXY") {
    const auto legacy = [&](const char* name, uint32_t revision, std::vector<uint32_t> info) {
      return marksOf(program([&](auto expression) { expression("target", target(name, revision, info)); }));
    };
    CHECK(legacy("MARK", 2, {7, UINT32_MAX})[0].mark == 7U);
    CHECK(legacy("MARK", 2, {1, 1})[0].mask == 1);
    CHECK_FALSE(legacy("MARK", 2, {3, 1})[0].mark); // --set-xmark 3/1 toggles bit 1
    CHECK(legacy("TPROXY", 1, {0xff, 9, 0, 0})[0].mark == 9U);
    CHECK(legacy("CONNMARK", 1, {0, UINT32_MAX, UINT32_MAX, 0}).empty()); // --set-mark: of the connection
    CHECK_FALSE(legacy("CONNMARK", 1, {0, UINT32_MAX, UINT32_MAX, 2})[0].mark);
    CHECK_FALSE(legacy("CONNMARK", 2, {0, UINT32_MAX, UINT32_MAX, 2U << 16})[0].mark);
    CHECK(legacy("CONNMARK", 2, {0, UINT32_MAX, UINT32_MAX, 2}).empty()); // a shift to the left
    CHECK(legacy("LOG", 0, {0, 0}).empty());
  }
  SUBCASE("our own rules as well") {
    const auto effect = one(programOf(ruleRow()));
    CHECK(effect.mark == 7U);
    CHECK(effect.mask == UINT32_MAX);
  }
}

TEST_CASE("damaged rules are never read past their end") {
  Element row = ruleRow(Place::dstnat);
  row.targetPort = 8080;
  setSource(row, "10.0.0.1", "10.0.0.9");
  setText(row.interface, "eth*");
  const std::vector<std::byte> bytes = programOf(row);
  for (size_t length = 0; length < bytes.size(); ++length) {
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    (void)interpret(cut, NFPROTO_INET);
  }
  std::mt19937 random(11); // NOLINT
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::byte> damaged = bytes;
    for (int change = 0; change < 3; ++change) {
      damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    }
    const Meaning meaning = interpret(damaged, NFPROTO_INET);
    CHECK(meaning.interface.size() <= IFNAMSIZ);
  }
}
