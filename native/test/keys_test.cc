// Duplicates in a dump, and checksums of keys.
#include "ipvs/keys.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

namespace {

void append(ipvs::Rows& rows, uint32_t mark, uint32_t timeout = 0) {
  ipvs::Service service{};
  service.fwmark = mark;
  service.family = 2;
  service.timeout = timeout;
  std::memcpy(rows.append(sizeof service), &service, sizeof service);
}

ipvs::Rows rowsOf(const std::vector<uint32_t>& marks) {
  ipvs::Rows rows;
  for (const uint32_t mark : marks) {
    append(rows, mark);
  }
  return rows;
}

std::vector<uint32_t> marksOf(const ipvs::Rows& rows) {
  std::vector<uint32_t> marks;
  for (size_t at = 0; at < rows.size(); at += sizeof(ipvs::Service)) {
    marks.push_back(netlink::load<uint32_t>(rows.data() + at + offsetof(ipvs::Service, fwmark)));
  }
  return marks;
}

ipvs::KeySum sumOf(const std::vector<uint32_t>& marks) { return ipvs::sumOf(ipvs::serviceRecord, rowsOf(marks)); }

} // namespace

TEST_CASE("duplicates are removed; the first row of each key and the order stay") {
  std::mt19937 random(5);                                  // NOLINT: a fixed seed makes a failure repeatable
  for (const size_t count : {1, 2, 8, 9, 12, 100, 1000}) { // up to eight rows are compared pairwise
    for (int round = 0; round < 20; ++round) {
      std::vector<uint32_t> marks;
      std::vector<uint32_t> wanted;
      ipvs::Rows rows;
      append(rows, 1); // a row of an earlier dump
      for (size_t i = 0; i < count; ++i) {
        const auto mark = static_cast<uint32_t>(random() % (count * 2));
        append(rows, mark, static_cast<uint32_t>(i));
        if (std::ranges::find(marks, mark) == marks.end()) {
          wanted.push_back(mark);
        }
        marks.push_back(mark);
      }
      CHECK(ipvs::removeRepeated(ipvs::serviceRecord, rows, sizeof(ipvs::Service)) == (wanted.size() != count));
      wanted.insert(wanted.begin(), 1);
      CHECK(marksOf(rows) == wanted);
      for (size_t i = 2; i < wanted.size(); ++i) { // the timeouts are the numbers of the rows
        const std::byte* row = rows.data() + i * sizeof(ipvs::Service) + offsetof(ipvs::Service, timeout);
        const auto number = netlink::load<uint32_t>(row);
        CHECK(std::ranges::find(marks, wanted[i]) - marks.begin() == number);
      }
    }
  }
}

TEST_CASE("no rows, no duplicates") {
  ipvs::Rows rows;
  CHECK_FALSE(ipvs::removeRepeated(ipvs::serviceRecord, rows, 0));
}

TEST_CASE("the key of a destination is address, port and family") {
  const auto row = [](uint32_t address, uint16_t port, uint16_t family, uint32_t weight) {
    ipvs::Destination destination{};
    netlink::store(destination.address, address);
    destination.port = port;
    destination.family = family;
    destination.weight = weight;
    return destination;
  };
  const auto repeats = [](const ipvs::Destination& one, const ipvs::Destination& other) {
    ipvs::Rows rows;
    std::memcpy(rows.append(sizeof one), &one, sizeof one);
    std::memcpy(rows.append(sizeof other), &other, sizeof other);
    return ipvs::removeRepeated(ipvs::destinationRecord, rows, 0);
  };
  CHECK(repeats(row(1, 80, 2, 1), row(1, 80, 2, 5)));
  CHECK_FALSE(repeats(row(1, 80, 2, 1), row(2, 80, 2, 1)));
  CHECK_FALSE(repeats(row(1, 80, 2, 1), row(1, 81, 2, 1)));
  CHECK_FALSE(repeats(row(1, 80, 2, 1), row(1, 80, 10, 1)));
}

TEST_CASE("the sum depends on the keys, not on their order") {
  CHECK(sumOf({1, 2, 3}) == sumOf({3, 1, 2}));
  CHECK_FALSE(sumOf({1, 2, 3}) == sumOf({1, 2}));
  CHECK_FALSE(sumOf({1, 2, 3}) == sumOf({1, 2, 4}));
  CHECK_FALSE(sumOf({1, 4}) == sumOf({2, 3}));
  CHECK_FALSE(sumOf({1, 1}) == sumOf({2, 2}));
  CHECK(sumOf({}) == ipvs::KeySum());
}

TEST_CASE("the sum depends on the owners of the keys") {
  const ipvs::Rows rows = rowsOf({1, 2});
  const ipvs::Key first = ipvs::keyOf(ipvs::serviceRecord, rows.data());
  const ipvs::Key second = ipvs::keyOf(ipvs::serviceRecord, rows.data() + sizeof(ipvs::Service));
  const auto sum = [](const ipvs::Key& one, uint64_t oneOwner, const ipvs::Key& other, uint64_t otherOwner) {
    ipvs::KeySum keys;
    keys.add(one, oneOwner);
    keys.add(other, otherOwner);
    return keys;
  };
  CHECK(sum(first, 7, second, 8) == sum(second, 8, first, 7));
  CHECK_FALSE(sum(first, 7, second, 8) == sum(first, 8, second, 7));
}

TEST_CASE("hashes of similar keys differ in all bits") {
  uint64_t ever = 0;
  uint64_t always = ~uint64_t{0};
  for (uint32_t mark = 0; mark < 200; ++mark) {
    const ipvs::Rows rows = rowsOf({mark});
    const uint64_t hash = ipvs::hashOf(ipvs::keyOf(ipvs::serviceRecord, rows.data()), 0);
    ever |= hash;
    always &= hash;
  }
  CHECK(ever == ~uint64_t{0});
  CHECK(always == 0);
}
