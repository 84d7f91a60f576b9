// Elements and rules of the mark map as bytes. The golden bytes were sent by nft 1.0.6 for the same objects.
#include "nftables/elements.h"
#include "nftables/expressions.h"
#include "nftables/rule_reader.h"

#include "mark_rows.h"

#include <string>

namespace {

using fake::markRow;
using nftables::Detail;
using nftables::Element;

std::string hex(netlink::Bytes bytes) {
  std::string text;
  char digits[3];
  for (const std::byte byte : bytes) {
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(byte));
    text += digits;
  }
  return text;
}

std::vector<std::byte> encoded(const Element& row, Detail detail = Detail::full) {
  std::vector<std::byte> bytes;
  netlink::Writer writer(bytes);
  nftables::writeElement(writer, nftables::maps[nftables::mapOf(row)], row, detail);
  return bytes;
}

template <typename Write> std::string expressions(Write write) {
  std::vector<std::byte> bytes;
  netlink::Writer writer(bytes);
  write(writer);
  return hex(bytes);
}

Element ftpElement() { return markRow("10.0.0.0", "10.0.0.255", 6, 10000, 20000, 21); }

} // namespace

TEST_CASE("an exact element is nft's `172.16.0.100 . tcp . 80 comment \"hello\" : 7`") {
  Element row = markRow("172.16.0.100", "172.16.0.100", 6, 80, 80, 7);
  std::strcpy(row.comment, "hello");
  CHECK(hex(encoded(row)) == "3000018014000180"
                             "10000100ac100064060000000050"
                             "00000c0002800800010007000000"
                             "0c000600000668656c6c6f00");
  CHECK(hex(encoded(row, Detail::key)) == "1800018014000180"
                                          "10000100ac100064060000000050"
                                          "0000");
}

TEST_CASE("an IPv6 element is nft's `2001:db8::7 . udp . 53 : 9`") {
  CHECK(hex(encoded(markRow("2001:db8::7", "2001:db8::7", 17, 53, 53, 9))) ==
        "300001802000018"
        "01c00010020010db8000000000000000000000007110000000035"
        "00000c0002800800010009000000");
}

TEST_CASE("an interval is nft's `10.0.0.0/24 . tcp . 10000-20000 comment \"ftp\" : 21`") {
  Element row = ftpElement();
  std::strcpy(row.comment, "ftp");
  CHECK(hex(encoded(row)) == "44000180"
                             "14000180100001000a0000000600000027100000"
                             "14000a80100001000a0000ff060000004e200000"
                             "0c0002800800010015000000"
                             "0a00060000046674700"
                             "00000");
}

TEST_CASE("the lookup rule is nft's `meta mark set ip daddr . meta l4proto . th dport map @exact4`") {
  // Without NFTA_LOOKUP_SET_ID, which only anonymous sets need.
  const std::string nfproto = "240001800900010"
                              "06d657461000000001400028008000200"
                              "0000000f0800010000000001"
                              "2c00018008000100636d7000200002800800010000000001080002000000"
                              "00000c000380050001000";
  const std::string port = "0800020000000002080003000000000208000400000000"
                           "02300001800b0001006c6f6f6b75700000200002800800020000000001"
                           "08000300000000010b00010065786163743";
  const std::string mark = "2400018009000100"
                           "6d6574610000000014000280080002000000000308000300"
                           "00000001";
  const std::string payload = "340001800c0001007061796c6f6164002400028008000100000000";
  CHECK(expressions([](netlink::Writer& writer) { nftables::writeLookup(writer, nftables::maps[0]); }) ==
        nfproto + "2000000" + payload +
            "010800020000000001080003000000001008000400000000042400018009000100"
            "6d6574610000000014000280080002000000001008000100000000"
            "09" +
            payload + "0a" + port + "40000" + mark);
  CHECK(expressions([](netlink::Writer& writer) { nftables::writeLookup(writer, nftables::maps[6]); }) ==
        nfproto + "a000000" + payload +
            "010800020000000001080003000000001808000400000000102400018009000100"
            "6d6574610000000014000280080002000000001008000100000000"
            "02" +
            payload + "0d" + port + "60000" + mark);
}

TEST_CASE("the jump is nft's `jump marks`, and rules are recognised by their expressions") {
  std::vector<std::byte> bytes;
  netlink::Writer writer(bytes);
  nftables::writeJump(writer, "marks");
  CHECK(hex(bytes) == "3c0001800e000100696d6d656469617465000000280002800800010000000000"
                      "1c0002801800028008000100fffffffd0a0002006d61726b73000000");
  CHECK(nftables::parseRule(bytes, NFPROTO_INET).jump == "marks");
  CHECK(nftables::parseRule(bytes, NFPROTO_INET).lookup.empty());
  nftables::writeLookup(writer, nftables::maps[7]);
  CHECK(nftables::parseRule(bytes, NFPROTO_INET).lookup == "ranges6");
}

TEST_CASE("set types are nft's") {
  CHECK(nftables::maps[0].keyType() == 0x730d);
  CHECK(nftables::maps[6].keyType() == 0x830d);
  CHECK(nftables::maps[0].keyLength() == 12);
  CHECK(nftables::maps[7].keyLength() == 24);
}

TEST_CASE("elements are the same after writing and reading") {
  std::vector<Element> rows = {
      markRow("172.16.0.100", "172.16.0.100", 6, 80, 80, 7),
      ftpElement(),
      markRow("2001:db8::7", "2001:db8::7", 132, 65535, 65535, 0xffffffff),
      markRow("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 17, 1, 65535, 1),
      markRow("10.0.0.0", "10.255.255.255", 0, 0, 65535, 1),
      markRow("2001:db8::7", "2001:db8::7", 6, 0, 65535, 1),
  };
  rows[1].rule = 0x0123456789abcdef;
  std::strcpy(rows[1].comment, std::string(128, 'x').c_str());
  rows[2].rule = 1;
  for (const Element& row : rows) {
    const size_t map = nftables::mapOf(row);
    std::vector<Element> listed;
    std::string problem;
    REQUIRE(nftables::readElements(encoded(row), nftables::maps[map], listed, problem));
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].present == nftables::elementPresent);
    CHECK(listed[0].rule == row.rule);
    CHECK(listed[0].mark == row.mark);
    CHECK(listed[0].counter == row.counter);
    CHECK(std::string(listed[0].comment) == row.comment);
    CHECK_FALSE(nftables::keyLess(listed[0], row));
    CHECK_FALSE(nftables::keyLess(row, listed[0]));
  }
}

TEST_CASE("a row with a single key can be in the interval map") {
  Element row = markRow("172.16.0.100", "172.16.0.100", 6, 80, 80, 7);
  CHECK(nftables::mapOf(row) == 0);
  row.place = static_cast<uint8_t>(nftables::Place::ranges);
  CHECK(nftables::mapOf(row) == 1);
}

TEST_CASE("elements that a row cannot express are failures") {
  std::vector<Element> listed;
  std::string problem;
  const auto& map = nftables::maps[1];
  std::vector<std::byte> bytes = encoded(ftpElement());
  SUBCASE("a key of another length") {
    CHECK_FALSE(nftables::readElements(bytes, nftables::maps[7], listed, problem));
    CHECK(problem.find("map ranges6 has an element whose key") != std::string::npos);
  }
  SUBCASE("a range of protocols") {
    bytes[36] = std::byte{17}; // protocol of the last key
    CHECK_FALSE(nftables::readElements(bytes, map, listed, problem));
    CHECK(problem.find("range of protocols") != std::string::npos);
  }
  SUBCASE("a range in a map of single keys") {
    const Element row = markRow("10.0.0.7", "10.0.0.7", 6, 80, 80, 7);
    std::vector<std::byte> both = encoded(row);
    std::vector<std::byte> range;
    netlink::Writer writer(range);
    const size_t nest = writer.beginNest(NFTA_LIST_ELEM);
    const auto attributes = std::span(both).subspan(sizeof(nlattr));
    writer.append(attributes.data(), attributes.size());
    const size_t end = writer.beginNest(NFTA_SET_ELEM_KEY_END);
    const std::byte key[12] = {std::byte{10}, std::byte{0}, std::byte{0}, std::byte{9}, std::byte{6}};
    writer.attribute(NFTA_DATA_VALUE, key, sizeof key);
    writer.endNest(end);
    writer.endNest(nest);
    CHECK_FALSE(nftables::readElements(range, nftables::maps[0], listed, problem));
    CHECK(problem.find("a range") != std::string::npos);
  }
  SUBCASE("a catch-all element") {
    bytes.clear();
    netlink::Writer writer(bytes);
    const size_t nest = writer.beginNest(NFTA_LIST_ELEM);
    writer.valueBigEndian(NFTA_SET_ELEM_FLAGS, uint32_t{2});
    writer.endNest(nest);
    CHECK_FALSE(nftables::readElements(bytes, map, listed, problem));
    CHECK(problem.find("catch-all") != std::string::npos);
  }
}

TEST_CASE("damaged elements are read or refused, never out of bounds") {
  Element row = ftpElement();
  row.rule = 7;
  std::strcpy(row.comment, "comment");
  const std::vector<std::byte> whole = encoded(row);
  for (size_t length = 0; length < whole.size(); ++length) {
    std::vector<Element> listed;
    std::string problem;
    const std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length));
    CHECK(nftables::readElements(part, nftables::maps[1], listed, problem) == (length == 0));
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned value : {0x00U, 0x01U, 0x7fU, 0xffU}) {
      std::vector<std::byte> bytes = whole;
      bytes[at] = static_cast<std::byte>(value);
      std::vector<Element> listed;
      std::string problem;
      (void)nftables::readElements(bytes, nftables::maps[1], listed, problem);
    }
  }
}
