#include "connection_text.h"
#include "connections/difference.h"
#include "connections/groups.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

namespace {

using ipvs::Connection;
using ipvs::ConnectionBlock;
using ipvs::ConnectionKind;
using ipvs::GroupField;

constexpr uint8_t bits(std::initializer_list<GroupField> fields) {
  uint8_t value = 0;
  for (const GroupField field : fields) {
    value = static_cast<uint8_t>(value | static_cast<uint8_t>(field));
  }
  return value;
}

Connection make(uint32_t client, uint8_t server, uint8_t state) {
  Connection row{};
  row.family = row.destinationFamily = AF_INET;
  const uint32_t address = netlink::networkOrder(client);
  std::memcpy(row.client, &address, sizeof address);
  row.virtualAddress[0] = std::byte{172};
  row.destination[3] = std::byte{server};
  row.protocol = IPPROTO_TCP;
  row.clientPort = 1024;
  row.virtualPort = 80;
  row.destinationPort = 8080;
  row.state = state;
  return row;
}

ipvs::Groups group(const std::vector<Connection>& rows, uint8_t fields, size_t most = SIZE_MAX) {
  const size_t half = rows.size() / 2;
  const std::span<const Connection> all(rows);
  const std::span<const Connection> blocks[] = {all.first(half), all.subspan(half)};
  return ipvs::groupConnections(blocks, fields, most);
}

} // namespace

TEST_CASE("groups are counted, the largest first") {
  std::vector<Connection> rows;
  for (uint32_t i = 0; i < 1000; ++i) {
    rows.push_back(make(i, static_cast<uint8_t>(i % 10 < 7 ? 1 : 2), static_cast<uint8_t>(i % 2)));
  }
  const auto servers = group(rows, bits({GroupField::destination}));
  REQUIRE(servers.rows.size() == 2);
  CHECK(servers.counts == std::vector<uint32_t>{700, 300});
  CHECK(servers.rows[0].destination[3] == std::byte{1});
  CHECK(servers.rows[0].destinationPort == 8080);
  CHECK(servers.rows[0].clientPort == 0);
  CHECK(group(rows, bits({GroupField::destination, GroupField::state})).rows.size() == 4);
  CHECK(group(rows, bits({GroupField::client})).rows.size() == 1000);
  CHECK(group(rows, bits({GroupField::clientSubnet})).counts == std::vector<uint32_t>{256, 256, 256, 232});
  CHECK(group(rows, bits({GroupField::client}), 3).rows.size() == 3);
  CHECK(group(rows, bits({GroupField::protocol})).counts == std::vector<uint32_t>{1000});
  CHECK(group({}, bits({GroupField::state})).rows.empty());
}

TEST_CASE("groups are the same as counted by a std::map") {
  std::mt19937_64 source(7); // NOLINT(bugprone-random-generator-seed): the same rows each time
  std::vector<Connection> rows;
  std::map<std::pair<int, int>, uint32_t> expected;
  for (int i = 0; i < 20000; ++i) {
    const auto server = static_cast<uint8_t>(source());
    const auto state = static_cast<uint8_t>(source() % 28);
    rows.push_back(make(static_cast<uint32_t>(source()), server, state));
    ++expected[{server, state}];
  }
  const auto counted = group(rows, bits({GroupField::destination, GroupField::state}));
  REQUIRE(counted.rows.size() == expected.size());
  for (size_t i = 0; i < counted.rows.size(); ++i) {
    const Connection& row = counted.rows[i];
    REQUIRE(counted.counts[i] == expected[{static_cast<int>(row.destination[3]), row.state}]);
  }
}

TEST_CASE("marks are not grouped as virtual addresses") {
  Connection mark = make(1, 1, 0);
  mark.kind = static_cast<uint8_t>(ConnectionKind::markPersistence);
  mark.virtualPort = 0;
  Connection persistent = make(1, 1, 0);
  persistent.kind = static_cast<uint8_t>(ConnectionKind::persistence);
  const std::vector<Connection> rows{make(1, 1, 0), persistent, mark};
  const auto virtuals = group(rows, bits({GroupField::virtualEnd}));
  CHECK(virtuals.counts == std::vector<uint32_t>{2, 1});
  CHECK(virtuals.rows[0].kind == 0);
  CHECK(virtuals.rows[1].kind == static_cast<uint8_t>(ConnectionKind::markPersistence));
  const auto marks = group(rows, bits({GroupField::fwmark}));
  CHECK(marks.counts == std::vector<uint32_t>{2, 1});
  CHECK(ipvs::fwmarkOf(marks.rows[1]) == 0xac000000);
  CHECK(marks.rows[0].kind == 0);
  CHECK(group(rows, bits({GroupField::protocol})).counts == std::vector<uint32_t>{3});
}

TEST_CASE("opened, changed and closed connections") {
  std::vector<Connection> before{make(1, 1, 1), make(2, 1, 1), make(3, 1, 1)};
  std::vector<Connection> after{make(4, 1, 1), make(3, 1, 5), make(1, 1, 1)};
  after[2].expires = 99; // not a change
  const ConnectionBlock earlier[] = {{std::span(before).first(1), {}}, {std::span(before).subspan(1), {}}};
  const ConnectionBlock later[] = {{after, {}}};
  const auto difference = ipvs::compareConnections(earlier, later);
  CHECK(difference.opened == std::vector<uint32_t>{0});
  CHECK(difference.changed == std::vector<uint32_t>{2, 1});
  CHECK(difference.closed == std::vector<uint32_t>{1});
  CHECK(ipvs::compareConnections({}, later).opened.size() == 3);
  CHECK(ipvs::compareConnections(later, {}).closed.size() == 3);
  const auto same = ipvs::compareConnections(later, later);
  CHECK(same.opened.size() + same.changed.size() + same.closed.size() == 0);
}

TEST_CASE("rows with different engine data are different connections") {
  const std::vector<Connection> rows{make(1, 1, 1), make(1, 1, 1)};
  const auto engines = [](std::initializer_list<const char*> texts) {
    std::vector<std::byte> bytes;
    netlink::Writer writer(bytes);
    uint32_t row = 0;
    for (const char* engine : texts) {
      const uint32_t head[] = {row++, static_cast<uint32_t>(std::strlen(engine))};
      writer.append(head, sizeof head);
      writer.append(engine, std::strlen(engine));
    }
    return bytes;
  };
  const auto first = engines({"sip a", "sip b"});
  const auto second = engines({"sip b", "sip c"});
  const ConnectionBlock earlier[] = {{rows, first}};
  const ConnectionBlock later[] = {{rows, second}};
  const auto difference = ipvs::compareConnections(earlier, later);
  CHECK(difference.opened == std::vector<uint32_t>{1});
  CHECK(difference.closed == std::vector<uint32_t>{0});
}
