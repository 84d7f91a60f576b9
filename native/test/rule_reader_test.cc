// Parsing of rules, in particular of the marks that they set.
#include "mark_rows.h"
#include "nftables/expressions.h"
#include "nftables/rule_reader.h"

#include <random>

#include <linux/netfilter/nf_tables_compat.h>

using namespace fake; // NOLINT
using nftables::Element;
using nftables::ParsedRule;
using nftables::parseRule;
using nftables::Place;

namespace {

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

} // namespace

TEST_CASE("marks of foreign rules are read if they are constants") {
  const auto marksOf = [](const std::vector<std::byte>& bytes) { return parseRule(bytes, NFPROTO_IPV4).marks; };
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
  SUBCASE("the mark of the connection: unknown") {
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
  SUBCASE("toggled bits: unknown") {
    const auto effect = one(program([](auto expression) {
      expression("meta", loadMark);
      expression("bitwise", bits(0xffffffff, 7));
      expression("bitwise", bits(0xffffffff, 2));
      expression("meta", setMark);
    }));
    CHECK_FALSE(effect.mark);
  }
  SUBCASE("a register that an unknown expression may have overwritten: unknown") {
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
    (void)parseRule(cut, NFPROTO_INET);
  }
  std::mt19937 random(11); // NOLINT
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::byte> damaged = bytes;
    for (int change = 0; change < 3; ++change) {
      damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    }
    const ParsedRule rule = parseRule(damaged, NFPROTO_INET);
    CHECK(rule.interface.size() <= IFNAMSIZ);
  }
}
