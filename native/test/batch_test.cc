// Batches: datagrams, reads of patches, effects of failures.
#include "session_script.h"

#include <algorithm>
#include <map>
#include <mutex>

using namespace script; // NOLINT

namespace {

// A row with all fields of requests; the fields not set by destinationRow() are zero.
ipvs::Row completeRow(uint8_t octet, uint32_t weight) {
  ipvs::Row row = destinationRow(octet, weight);
  uint32_t present = 0;
  for (size_t i = 0; i < ipvs::destinationRecord.fields.size(); ++i) {
    present |= ipvs::destinationRecord.fields[i].replyOnly ? 0 : 1U << i;
  }
  netlink::store(row.data(), present);
  return row;
}

// A kernel with one service and destinations, identified by their last octet. Logs the datagrams that it received.
class OneService {
public:
  struct Values {
    uint32_t weight;
    uint32_t upper;
  };

  explicit OneService(std::map<uint8_t, Values> destinations)
      : destinations_(std::move(destinations)),
        kernel_(withFamily([this](const Requests& requests) { return reply(requests); })) {}

  netlink::Channel::Connector connector() { return kernel_.connector(); }

  // Per datagram: "dump", or the number of writes.
  std::vector<std::string> received() {
    const std::scoped_lock lock(mutex_);
    return received_;
  }

  Values at(uint8_t last) {
    const std::scoped_lock lock(mutex_);
    return destinations_.at(last);
  }

  uint32_t refusedWeight = UINT32_MAX; // ERANGE

private:
  Datagrams reply(const Requests& requests) {
    const std::scoped_lock lock(mutex_);
    Reply reply;
    if (commandOf(requests[0]) == IPVS_CMD_GET_SERVICE) {
      putService(reply, requests[0].header, 7);
      return {reply.ack(requests[0].header).take()};
    }
    if (commandOf(requests[0]) == IPVS_CMD_GET_DEST) {
      received_.emplace_back("dump");
      for (const auto& [last, values] : destinations_) {
        put(reply, requests[0].header, last, values);
      }
      return {reply.doneDump(requests[0].header).take()};
    }
    received_.push_back(std::to_string(requests.size()));
    for (const Message& request : requests) {
      const int error = write(request);
      if (error != 0 || (request.header.nlmsg_flags & NLM_F_ACK) != 0) {
        reply.error(request.header, error);
      }
    }
    return {reply.take()};
  }

  static void put(Reply& reply, const nlmsghdr& request, uint8_t last, const Values& values) {
    reply.data(request, IPVS_CMD_NEW_DEST, [&](netlink::Writer& writer) {
      const size_t nest = writer.beginNest(IPVS_CMD_ATTR_DEST);
      const uint8_t address[16] = {10, 0, 0, last};
      writer.attribute(IPVS_DEST_ATTR_ADDR, address, sizeof address);
      writer.value<uint16_t>(IPVS_DEST_ATTR_PORT, 0);
      writer.value<uint16_t>(IPVS_DEST_ATTR_ADDR_FAMILY, 2);
      writer.value<uint32_t>(IPVS_DEST_ATTR_WEIGHT, values.weight);
      writer.value<uint32_t>(IPVS_DEST_ATTR_U_THRESH, values.upper);
      writer.endNest(nest);
    });
  }

  int write(const Message& request) {
    ipvs::Row row(sizeof(ipvs::Destination));
    netlink::AttributeReader reader(request.payload.subspan(sizeof(genlmsghdr)));
    netlink::Attribute attribute;
    while (reader.next(attribute)) {
      if (attribute.type == IPVS_CMD_ATTR_DEST) {
        CHECK_FALSE(netlink::decode(ipvs::destinationRecord, attribute.payload, row.data()));
      }
    }
    const auto* destination = reinterpret_cast<const ipvs::Destination*>(row.data());
    const auto last = static_cast<uint8_t>(destination->address[3]);
    const bool exists = destinations_.contains(last);
    if (destination->weight == refusedWeight) {
      return ERANGE;
    }
    switch (commandOf(request)) {
    case IPVS_CMD_NEW_DEST:
    case IPVS_CMD_SET_DEST:
      if (exists == (commandOf(request) == IPVS_CMD_NEW_DEST)) {
        return exists ? EEXIST : ENOENT;
      }
      destinations_[last] = {destination->weight, destination->upperThreshold};
      return 0;
    case IPVS_CMD_ZERO:
      return 0;
    default:
      return destinations_.erase(last) == 1 ? 0 : ENOENT;
    }
  }

  std::mutex mutex_;
  std::map<uint8_t, Values> destinations_;
  std::vector<std::string> received_;
  fake::Kernel kernel_;
};

// A patch of the upper threshold only.
ipvs::Row thresholdRow(uint8_t last, uint32_t upper) { return destinationRow(last, upper, IPVS_DEST_ATTR_U_THRESH); }

const std::byte* service() {
  static const ipvs::Row row = serviceRow(7);
  return row.data();
}

Item patch(const ipvs::Row& destination) { return {Operation::updateDestination, service(), destination.data()}; }

using Received = std::vector<std::string>;

} // namespace

TEST_CASE("patches of one service share a listing and a datagram") {
  OneService kernel({{1, {1, 10}}, {2, {1, 20}}, {3, {1, 30}}});
  ipvs::Session session(kernel.connector());
  const ipvs::Row rows[] = {destinationRow(1, 5), destinationRow(2, 6), destinationRow(3, 7)};
  const Item items[] = {patch(rows[0]), patch(rows[1]), patch(rows[2])};
  CHECK(session.execute(items, Control::within(5s)).empty());
  CHECK(kernel.received() == Received{"dump", "3"});
  CHECK(kernel.at(2).weight == 6);
  CHECK(kernel.at(2).upper == 20); // not in the patch: unchanged
}

TEST_CASE("a patch is based on the effects of earlier items on its destination") {
  OneService kernel({{1, {1, 10}}, {2, {1, 20}}, {3, {1, 30}}});
  ipvs::Session session(kernel.connector());
  SUBCASE("another patch") {
    const ipvs::Row rows[] = {destinationRow(1, 5), thresholdRow(1, 99)};
    const Item items[] = {patch(rows[0]), patch(rows[1])};
    CHECK(session.execute(items, Control::within(5s)).empty());
    CHECK(kernel.at(1).weight == 5);
    CHECK(kernel.at(1).upper == 99);
  }
  // This kernel has the same destinations in every service: a patch of `other` replaces the session's cached listing.
  const ipvs::Row other = serviceRow(8);
  const Item filler{Operation::zeroService, other.data()}; // 200 of them need two datagrams
  SUBCASE("another patch, with a new listing in between") {
    const ipvs::Row rows[] = {destinationRow(1, 5), thresholdRow(3, 1), thresholdRow(2, 1), thresholdRow(1, 99)};
    std::vector<Item> items{
        patch(rows[0]), {Operation::updateDestination, other.data(), rows[1].data()}, patch(rows[2])};
    SUBCASE("in the same datagram") {}
    SUBCASE("in an earlier datagram") { items.resize(200, filler); }
    items.push_back(patch(rows[3]));
    CHECK(session.execute(items, Control::within(5s)).empty());
    CHECK(kernel.at(1).weight == 5);
    CHECK(kernel.at(1).upper == 99);
  }
  SUBCASE("another patch with all fields, sent without a read") {
    const ipvs::Row complete = completeRow(1, 5);
    const ipvs::Row rows[] = {thresholdRow(1, 7), thresholdRow(1, 99)};
    std::vector<Item> items{patch(rows[0]), patch(complete)};
    items.resize(200, filler);
    items.push_back(patch(rows[1]));
    CHECK(session.execute(items, Control::within(5s)).empty());
    CHECK(kernel.at(1).weight == 5);
    CHECK(kernel.at(1).upper == 99);
  }
  SUBCASE("another patch that the kernel refuses") {
    kernel.refusedWeight = 5;
    const ipvs::Row rows[] = {destinationRow(1, 5), thresholdRow(1, 99)};
    const Item items[] = {patch(rows[0]), patch(rows[1])};
    const auto failures = session.execute(items, Control::within(5s));
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].index == 0);
    CHECK(kernel.at(1).weight == 1);
    CHECK(kernel.at(1).upper == 99);
  }
  SUBCASE("an addition after the listing") {
    const ipvs::Row rows[] = {destinationRow(1, 5), destinationRow(4, 8), thresholdRow(4, 99)};
    const Item items[] = {patch(rows[0]), {Operation::addDestination, service(), rows[1].data()}, patch(rows[2])};
    CHECK(session.execute(items, Control::within(5s)).empty());
    CHECK(kernel.at(4).weight == 8);
    CHECK(kernel.at(4).upper == 99);
  }
  SUBCASE("removed and added anew between two patches") {
    const ipvs::Row rows[] = {destinationRow(1, 5), destinationRow(1, 8), thresholdRow(1, 99)};
    const Item items[] = {patch(rows[0]),
                          {Operation::removeDestination, service(), rows[0].data()},
                          {Operation::addDestination, service(), rows[1].data()},
                          patch(rows[2])};
    CHECK(session.execute(items, Control::within(5s)).empty());
    CHECK(kernel.at(1).weight == 8);
    CHECK(kernel.at(1).upper == 99);
  }
}

TEST_CASE("a patch with all fields is written without a read") {
  OneService kernel({{1, {1, 10}}});
  ipvs::Session session(kernel.connector());
  const ipvs::Row row = completeRow(1, 5);
  const Item items[] = {patch(row)};
  CHECK(session.execute(items, Control::within(5s)).empty());
  CHECK(kernel.received() == Received{"1"});
}

TEST_CASE("OnFailure::stop: nothing is sent after the first failure") {
  OneService kernel({{2, {1, 0}}});
  ipvs::Session session(kernel.connector());
  std::vector<ipvs::Row> rows;
  std::vector<Item> items;
  rows.reserve(4);
  for (uint8_t last = 1; last <= 4; ++last) {
    rows.push_back(destinationRow(last, 1));
    items.push_back({Operation::addDestination, service(), rows.back().data()});
  }
  SUBCASE("it stops") {
    const auto failures = session.execute(items, Control::within(5s), ipvs::OnFailure::stop);
    REQUIRE(failures.size() == 2);
    CHECK(failures[0].index == 1);
    CHECK(failures[0].status.error == EEXIST);
    CHECK(failures[1].index == 2);
    CHECK(failures[1].rest);
    CHECK(kernel.received() == Received{"1", "1"});
  }
  SUBCASE("it goes on") {
    const auto failures = session.execute(items, Control::within(5s));
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].index == 1);
    CHECK(kernel.received() == Received{"4"});
    CHECK(kernel.at(4).weight == 1);
  }
  SUBCASE("a patch that fails before it is sent stops the batch as well") {
    const ipvs::Row absent = destinationRow(9, 1);
    const Item patches[] = {patch(absent), items[0]};
    const auto failures = session.execute(patches, Control::within(5s), ipvs::OnFailure::stop);
    REQUIRE(failures.size() == 2);
    CHECK(failures[0].index == 0);
    CHECK(failures[1].index == 1);
    CHECK(failures[1].rest);
    CHECK(kernel.received().back() == "dump");
  }
}

TEST_CASE("failures come in the order of the items, also when a patch is refused before it is sent") {
  OneService kernel({{1, {1, 0}}});
  ipvs::Session session(kernel.connector());
  const ipvs::Row rows[] = {destinationRow(1, 1), destinationRow(9, 1), destinationRow(8, 1)};
  const Item items[] = {{Operation::addDestination, service(), rows[0].data()},
                        patch(rows[1]),
                        {Operation::removeDestination, service(), rows[2].data()}};
  const auto failures = session.execute(items, Control::within(5s));
  REQUIRE(failures.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(failures[i].index == i);
  }
}
