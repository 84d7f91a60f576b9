// Rows that are rules in our chains.
#include "marks_rig.h"
#include "nftables/expressions.h"
#include "nftables/rules.h"

#include <random>

using namespace fake; // NOLINT
using nftables::Place;

namespace {

// Padding is zero in both.
std::vector<std::byte> bytesOf(const Element& row) {
  const auto bytes = std::as_bytes(std::span(&row, 1));
  return {bytes.begin(), bytes.end()};
}

Element roundTrip(const Element& row) {
  Rig rig;
  CHECK(rig.apply({row}).empty());
  const std::vector<Element> rows = rig.list();
  REQUIRE(rows.size() == 1);
  return rows[0];
}

} // namespace

TEST_CASE("rules are the same after writing and reading") {
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
    // Blocks of every size, and ranges that are not blocks.
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

TEST_CASE("rules with a source or an interface are appended, other rules inserted in front") {
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

TEST_CASE("a rule creates its chain, and the jump to it follows the jump to `marks`") {
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

TEST_CASE("NAT rules create only their own chains") {
  Rig rig;
  CHECK(rig.apply({ruleRow(Place::srcnat)}).empty());
  CHECK(rig.shape() == std::vector<int>{NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE});
  CHECK(rig.apply({ruleRow(Place::dstnat)}).empty());
  CHECK(rig.shape(1) == std::vector<int>{NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE});
}

TEST_CASE("a rule is removed by its handle, in the transaction that adds another one") {
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

TEST_CASE("the failure of a refused rule has its index") {
  Rig rig;
  replyToTransactions(rig, [](const Tables::Requests& requests) {
    return Tables::Datagrams{Tables::refuse(requests[requests.size() - 2], EINVAL)};
  });
  const auto failures = rig.apply({exact(1, 80), ruleRow(), ruleRow(Place::srcnat)});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].index == 2);
  CHECK(failures[0].status.error == EINVAL);
}

TEST_CASE("an unsupported rule in our chains is a failure") {
  Rig rig;
  CHECK(rig.apply({ruleRow()}).empty());
  rig.tables.forgetRules();
  std::vector<std::byte> bytes;
  netlink::Writer writer(bytes);
  nftables::writeJump(writer, "elsewhere");
  rig.tables.addRule("special", bytes);
  std::vector<Element> rows;
  uint32_t generation = 0;
  const Failure failure = rig.marks.list(soon(), rows, generation);
  CHECK(failure.status.error == EOPNOTSUPP);
  CHECK(failure.attribute == "table");
  CHECK(failure.message.find("chain special has an unsupported rule (handle ") == 0);
}
