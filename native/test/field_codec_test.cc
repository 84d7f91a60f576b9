// Decoding by generated code (field_codec.h) and by table lookup yields the same rows.
#include "ipvs/schema.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <random>

namespace {

using netlink::Bytes;
using netlink::Writer;
using Attributes = std::vector<std::byte>;

void putStatistics(Writer& writer, uint16_t attribute, uint64_t first) {
  const size_t nest = writer.beginNest(attribute);
  for (uint16_t type = IPVS_STATS_ATTR_CONNS; type <= IPVS_STATS_ATTR_OUTBPS; ++type) {
    writer.value<uint64_t>(type, first + type);
  }
  writer.endNest(nest);
}

// The kernel's attributes of a service, one by one.
std::vector<Attributes> serviceAttributes() {
  std::vector<Attributes> parts;
  const auto part = [&parts](auto put) {
    Writer writer(parts.emplace_back());
    put(writer);
  };
  const uint8_t address[16] = {10, 0, 0, 1};
  const uint32_t flags[2] = {1, 0xffffffff};
  part([](Writer& to) { to.value<uint16_t>(IPVS_SVC_ATTR_AF, 2); });
  part([](Writer& to) { to.value<uint16_t>(IPVS_SVC_ATTR_PROTOCOL, 6); });
  part([&](Writer& to) { to.attribute(IPVS_SVC_ATTR_ADDR, address, sizeof address); });
  part([](Writer& to) { to.valueBigEndian<uint16_t>(IPVS_SVC_ATTR_PORT, 80); });
  part([](Writer& to) { to.text(IPVS_SVC_ATTR_SCHED_NAME, "wlc"); });
  part([&](Writer& to) { to.attribute(IPVS_SVC_ATTR_FLAGS, flags, sizeof flags); });
  part([](Writer& to) { to.value<uint32_t>(IPVS_SVC_ATTR_TIMEOUT, 300); });
  part([](Writer& to) { to.value<uint32_t>(IPVS_SVC_ATTR_NETMASK, ~0U); });
  part([](Writer& to) { to.value<uint32_t>(IPVS_SVC_ATTR_STATS, 0); }); // not in the table
  part([](Writer& to) { putStatistics(to, IPVS_SVC_ATTR_STATS64, 1000); });
  return parts;
}

Attributes joined(const std::vector<Attributes>& parts) {
  Attributes all;
  for (const Attributes& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

struct Decoded {
  std::optional<std::string> wrong;
  std::vector<std::byte> row;

  bool operator==(const Decoded&) const = default;
};

Decoded decoded(const netlink::Record& record, Bytes attributes) {
  Decoded result{{}, std::vector<std::byte>(record.size, std::byte{0xee})}; // decode() must overwrite the old content
  result.wrong = netlink::decode(record, attributes, result.row.data());
  return result;
}

// The tables of services and statistics without generated code.
const netlink::Record& searching() {
  static const netlink::Record statistics{"statistics", sizeof(ipvs::Statistics), 0, ipvs::statisticsFields};
  static const auto fields = [] {
    auto copy = std::to_array(ipvs::serviceFields);
    copy.back().record = &statistics;
    return copy;
  }();
  static const netlink::Record service{"service", sizeof(ipvs::Service), IPVS_CMD_ATTR_SERVICE, fields};
  return service;
}

const ipvs::Service& serviceIn(const Decoded& result) {
  REQUIRE_FALSE(result.wrong);
  return *reinterpret_cast<const ipvs::Service*>(result.row.data());
}

} // namespace

TEST_CASE("generated code decodes attributes in table order") {
  const Attributes all = joined(serviceAttributes());
  std::vector<std::byte> row(sizeof(ipvs::Service));
  const std::byte* const end = all.data() + all.size();
  CHECK(ipvs::serviceRecord.decodeInOrder(all.data(), end, row.data()) == end);
  CHECK(row == decoded(searching(), all).row);
  const auto& service = *reinterpret_cast<const ipvs::Service*>(row.data());
  CHECK(service.port == 80);
  CHECK(std::string(service.scheduler) == "wlc");
  CHECK(service.statistics.connections == 1001);
  CHECK(service.statistics.outBytesPerSecond == 1010);
}

TEST_CASE("generated code decodes destinations in the kernel's order, which is not table order") {
  Attributes all;
  Writer writer(all);
  const uint8_t address[16] = {10, 0, 0, 9};
  writer.attribute(IPVS_DEST_ATTR_ADDR, address, sizeof address);
  writer.valueBigEndian<uint16_t>(IPVS_DEST_ATTR_PORT, 8080);
  writer.value<uint32_t>(IPVS_DEST_ATTR_WEIGHT, 5);
  writer.value<uint8_t>(IPVS_DEST_ATTR_TUN_TYPE, 1);
  writer.value<uint32_t>(IPVS_DEST_ATTR_PERSIST_CONNS, 3);
  writer.value<uint16_t>(IPVS_DEST_ATTR_ADDR_FAMILY, 2);
  writer.value<uint32_t>(IPVS_DEST_ATTR_STATS, 0);
  putStatistics(writer, IPVS_DEST_ATTR_STATS64, 10);
  ipvs::Destination row{};
  const std::byte* const end = all.data() + all.size();
  CHECK(ipvs::destinationRecord.decodeInOrder(all.data(), end, reinterpret_cast<std::byte*>(&row)) == end);
  CHECK(row.port == 8080);
  CHECK(row.weight == 5);
  CHECK(row.tunnelType == 1);
  CHECK(row.persistentConnections == 3);
  CHECK(row.family == 2);
  CHECK(row.statistics.connections == 11);
  CHECK(std::popcount(row.present) == 7);
}

TEST_CASE("incomplete counters are decoded one by one") {
  for (size_t missing = 0; missing < 10; ++missing) {
    Attributes some;
    Writer writer(some);
    for (uint16_t type = IPVS_STATS_ATTR_CONNS; type <= IPVS_STATS_ATTR_OUTBPS; ++type) {
      if (type != IPVS_STATS_ATTR_CONNS + missing) {
        writer.value<uint64_t>(type, type);
      }
    }
    ipvs::Statistics row{};
    CHECK_FALSE(netlink::decode(ipvs::statisticsRecord, some, reinterpret_cast<std::byte*>(&row)));
    CHECK(row.present == (0x3ffU ^ 1U << missing));
    CHECK(row.connections == (missing == 0 ? 0 : IPVS_STATS_ATTR_CONNS));
    CHECK(row.outBytesPerSecond == (missing == 9 ? 0 : IPVS_STATS_ATTR_OUTBPS));
  }
}

TEST_CASE("the order of the attributes makes no difference") {
  std::vector<Attributes> parts = serviceAttributes();
  const Decoded wanted = decoded(ipvs::serviceRecord, joined(parts));
  REQUIRE_FALSE(wanted.wrong);
  std::mt19937 random(7); // NOLINT: a fixed seed makes a failure repeatable
  for (int round = 0; round < 1000; ++round) {
    std::ranges::shuffle(parts, random);
    CHECK(decoded(ipvs::serviceRecord, joined(parts)) == wanted);
  }
}

TEST_CASE("an absent attribute is absent in the row, regardless of its old content") {
  const Attributes none;
  const Decoded result = decoded(ipvs::serviceRecord, none);
  CHECK_FALSE(result.wrong);
  CHECK(result.row == std::vector<std::byte>(sizeof(ipvs::Service)));
  const std::vector<Attributes> parts = serviceAttributes();
  for (size_t i = 0; i < parts.size(); ++i) {
    std::vector<Attributes> fewer = parts;
    fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i));
    CHECK(decoded(ipvs::serviceRecord, joined(fewer)) == decoded(searching(), joined(fewer)));
  }
}

TEST_CASE("the second of two equal attributes replaces the first one completely") {
  Attributes all = joined(serviceAttributes());
  Writer writer(all);
  writer.text(IPVS_SVC_ATTR_SCHED_NAME, "rr");
  writer.value<uint32_t>(IPVS_SVC_ATTR_ADDR, 7); // shorter than the address
  const size_t nest = writer.beginNest(IPVS_SVC_ATTR_STATS64);
  writer.value<uint64_t>(IPVS_STATS_ATTR_INPKTS, 5);
  writer.endNest(nest);
  const Decoded result = decoded(ipvs::serviceRecord, all);
  const ipvs::Service& service = serviceIn(result);
  CHECK(std::string_view(service.scheduler, 4) == std::string_view("rr\0\0", 4));
  CHECK(netlink::load<uint64_t>(service.address) == 7);
  CHECK(service.statistics.present == 2);
  CHECK(service.statistics.connections == 0);
  CHECK(service.statistics.inPackets == 5);
}

TEST_CASE("flags in a type and missing padding at the end are accepted") {
  const std::vector<Attributes> parts = serviceAttributes();
  const Decoded wanted = decoded(ipvs::serviceRecord, joined({parts[1], parts[3]}));
  Attributes flagged = joined({parts[1], parts[3]});
  netlink::store(flagged.data() + 2, static_cast<uint16_t>(IPVS_SVC_ATTR_PROTOCOL | NLA_F_NESTED));
  netlink::store(flagged.data() + 10, static_cast<uint16_t>(IPVS_SVC_ATTR_PORT | NLA_F_NET_BYTEORDER));
  CHECK(decoded(ipvs::serviceRecord, flagged) == wanted);
  Attributes unpadded = joined({parts[1], parts[3]});
  unpadded.resize(unpadded.size() - 2);
  CHECK(decoded(ipvs::serviceRecord, unpadded) == wanted);
  CHECK(serviceIn(wanted).port == 80);
}

TEST_CASE("both decoders agree on damaged attributes") {
  const Attributes whole = joined(serviceAttributes());
  std::mt19937 random(11); // NOLINT: a fixed seed makes a failure repeatable
  size_t refused = 0;
  for (int round = 0; round < 100'000; ++round) {
    Attributes damaged = whole;
    for (auto hits = 1 + random() % 3; hits > 0; --hits) {
      damaged[random() % damaged.size()] = static_cast<std::byte>(random() % (round % 2 == 0 ? 256 : 16));
    }
    if (round % 3 == 0) {
      damaged.resize(random() % damaged.size());
    }
    damaged.shrink_to_fit(); // so that a sanitizer detects every access out of bounds
    const Decoded one = decoded(ipvs::serviceRecord, damaged);
    const Decoded other = decoded(searching(), damaged);
    CHECK(one.wrong == other.wrong);
    refused += one.wrong ? 1 : 0;
    if (!one.wrong) {
      CHECK(one.row == other.row);
    }
  }
  CHECK(refused > 10'000);
  CHECK(refused < 90'000);
}
