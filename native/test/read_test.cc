// Listings and snapshots against a scripted kernel: inconsistent dumps, duplicates, tables that never settle.
#include "session_script.h"

#include <algorithm>
#include <numeric>

using namespace script; // NOLINT

namespace {

using Marks = std::vector<std::vector<uint32_t>>; // per datagram

std::vector<uint32_t> marksUpTo(uint32_t last) {
  std::vector<uint32_t> marks(last);
  std::iota(marks.begin(), marks.end(), 1U);
  return marks;
}

// Number of services of putService() that fit a datagram of `bytes`.
uint32_t fitting(size_t bytes) {
  const nlmsghdr request{};
  Reply reply;
  putService(reply, request, 1);
  return static_cast<uint32_t>(bytes / reply.take().size());
}

} // namespace

TEST_CASE("a dump in one datagram with free space is consistent; a longer one is repeated until two passes agree") {
  std::atomic<int> passes = 0;
  const auto list = [&](std::function<Marks(int)> datagrams, bool consistent, ipvs::Rows& rows) {
    passes = 0;
    fake::Kernel kernel(withFamily([&](const Requests& requests) { return dumpOf(requests, datagrams(++passes)); }));
    ipvs::Session session(kernel.connector());
    return session.read(Operation::listServices, nullptr, consistent, Control::within(5s), rows).status;
  };
  ipvs::Rows rows;
  SUBCASE("one datagram") {
    CHECK(list([](int) { return Marks{{1, 2, 3}}; }, true, rows).ok());
    CHECK(passes == 1);
    CHECK(rows.size() == 3 * sizeof(ipvs::Service));
  }
  SUBCASE("one datagram, larger than the kernel's small buffer") {
    CHECK(list([](int) { return Marks{marksUpTo(fitting(16384))}; }, true, rows).ok());
    CHECK(passes == 1);
  }
  SUBCASE("one datagram without space for another entry") {
    for (const size_t size : {4096UL, 32768UL}) { // of the kernel's buffers, which include 320 bytes of overhead
      CHECK(list([size](int) { return Marks{marksUpTo(fitting(size - 320))}; }, true, rows).ok());
      CHECK(passes == 2);
      CHECK(list([size](int) { return Marks{marksUpTo(fitting(size - 320))}; }, false, rows).ok());
      CHECK(passes == 1);
    }
  }
  SUBCASE("a service after the first datagram is skipped, as an earlier one was deleted") {
    const auto torn = [](int pass) {
      std::vector<uint32_t> first = marksUpTo(fitting(32448));
      const auto behind = static_cast<uint32_t>(first.size() + 1);
      if (pass == 1) {
        return Marks{first};
      }
      first.erase(first.begin());
      return Marks{first, {behind}};
    };
    CHECK(list(torn, true, rows).ok());
    CHECK(passes == 3);
    CHECK(rows.size() == fitting(32448) * sizeof(ipvs::Service));
  }
  SUBCASE("two datagrams that agree at once") {
    CHECK(list([](int) { return Marks{{1, 2}, {3}}; }, true, rows).ok());
    CHECK(passes == 2);
  }
  SUBCASE("two datagrams that agree in another order") {
    const auto turned = [](int pass) { return pass == 1 ? Marks{{1, 2}, {3}} : Marks{{3}, {2, 1}}; };
    CHECK(list(turned, true, rows).ok());
    CHECK(passes == 2);
  }
  SUBCASE("a service that the first pass missed is in the result") {
    const auto torn = [](int pass) { return pass == 1 ? Marks{{1, 2}, {4}} : Marks{{1, 2}, {3, 4}}; };
    CHECK(list(torn, true, rows).ok());
    CHECK(passes == 3);
    CHECK(rows.size() == 4 * sizeof(ipvs::Service));
  }
  SUBCASE("a pass with a duplicate does not count, even if the next one is the same") {
    const auto shifted = [](int pass) { return pass <= 2 ? Marks{{1, 2}, {2, 4}} : Marks{{1, 2}, {3, 4}}; };
    CHECK(list(shifted, true, rows).ok());
    CHECK(passes == 4);
    CHECK(rows.size() == 4 * sizeof(ipvs::Service));
  }
  SUBCASE("duplicates are removed") {
    CHECK(list([](int) { return Marks{{1, 2}, {2, 3}}; }, false, rows).ok());
    CHECK(passes == 1);
    CHECK(rows.size() == 3 * sizeof(ipvs::Service));
  }
  SUBCASE("a table that never settles is a conflict") {
    const auto restless = [](int pass) { return Marks{{1}, {static_cast<uint32_t>(pass + 1)}}; };
    CHECK(list(restless, true, rows).kind == FailureKind::conflict);
  }
}

TEST_CASE("listed services do not show the kernel's HASHED flag") {
  fake::Kernel kernel(withFamily([](const Requests& requests) { return dumpOf(requests, {{7}}); }));
  ipvs::Session session(kernel.connector());
  ipvs::Rows rows;
  REQUIRE(session.read(Operation::listServices, nullptr, true, Control::within(5s), rows).status.ok());
  CHECK(netlink::load<uint32_t>(rows.data() + offsetof(ipvs::Service, flags)) == 0);
}

TEST_CASE("a service without destinations is distinguished from a missing service") {
  std::atomic<bool> exists = true;
  fake::Kernel kernel(withFamily([&](const Requests& requests) -> std::vector<Datagram> {
    Reply reply;
    if (commandOf(requests[0]) == IPVS_CMD_GET_DEST) {
      return {reply.doneDump(requests[0].header).take()};
    }
    if (!exists) {
      return {reply.error(requests[0].header, ESRCH).take()};
    }
    putService(reply, requests[0].header, 7);
    return {reply.ack(requests[0].header).take()};
  }));
  ipvs::Session session(kernel.connector());
  const ipvs::Row key = serviceRow(7);
  ipvs::Rows rows;
  CHECK(session.read(Operation::listDestinations, key.data(), true, Control::within(5s), rows).status.ok());
  CHECK(rows.empty());
  exists = false;
  const auto failure = session.read(Operation::listDestinations, key.data(), true, Control::within(5s), rows);
  CHECK(failure.status.error == ESRCH);
}

namespace {

// A kernel with fwmark services, each with as many destinations as the last digit of its mark. `marks` returns the
// services that exist at each request.
fake::Kernel::Script snapshotKernel(std::function<std::vector<uint32_t>(bool listing)> marks) {
  return withFamily([marks = std::move(marks)](const Requests& requests) -> std::vector<Datagram> {
    const nlmsghdr& header = requests[0].header;
    const bool listing =
        commandOf(requests[0]) == IPVS_CMD_GET_SERVICE && (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    const std::vector<uint32_t> present = marks(listing);
    if (listing) {
      return dumpOf(requests, {present});
    }
    ipvs::Row key(sizeof(ipvs::Service));
    netlink::AttributeReader reader(requests[0].payload.subspan(sizeof(genlmsghdr)));
    netlink::Attribute attribute;
    CHECK(reader.next(attribute));
    CHECK_FALSE(netlink::decode(ipvs::serviceRecord, attribute.payload, key.data()));
    const auto mark = netlink::load<uint32_t>(key.data() + offsetof(ipvs::Service, fwmark));
    const bool exists = std::ranges::find(present, mark) != present.end();
    Reply reply;
    if (commandOf(requests[0]) == IPVS_CMD_GET_SERVICE) {
      if (!exists) {
        return {reply.error(header, ESRCH).take()};
      }
      putService(reply, header, mark);
      return {reply.ack(header).take()};
    }
    for (uint32_t i = 0; exists && i < mark % 10; ++i) {
      reply.data(header, IPVS_CMD_NEW_DEST, [&](netlink::Writer& writer) {
        const size_t nest = writer.beginNest(IPVS_CMD_ATTR_DEST);
        const uint8_t address[16] = {10, 0, 0, static_cast<uint8_t>(i)};
        writer.attribute(IPVS_DEST_ATTR_ADDR, address, sizeof address);
        writer.value<uint16_t>(IPVS_DEST_ATTR_ADDR_FAMILY, 2);
        writer.endNest(nest);
      });
    }
    return {reply.doneDump(header).take()};
  });
}

} // namespace

TEST_CASE("a snapshot groups destinations by service; a service may have none") {
  fake::Kernel kernel(snapshotKernel([](bool) { return std::vector<uint32_t>{12, 20, 31}; }));
  ipvs::Session session(kernel.connector());
  ipvs::Session::Snapshot found;
  REQUIRE(session.snapshot(true, Control::within(5s), found).status.ok());
  CHECK(found.services.size() == 3 * sizeof(ipvs::Service));
  CHECK(found.counts == std::vector<uint32_t>{2, 0, 1});
  CHECK(found.destinations.size() == 3 * sizeof(ipvs::Destination));
}

TEST_CASE("a service deleted during a snapshot is left out, and the pass does not count") {
  std::atomic<int> listings = 0;
  const auto take = [&listings](int passesWithService20, bool consistent, ipvs::Session::Snapshot& found) {
    // Service 20 is in the first listings, but missing when its destinations are read.
    fake::Kernel kernel(snapshotKernel([&](bool listing) {
      const bool exists = listing && ++listings <= passesWithService20;
      return exists ? std::vector<uint32_t>{12, 20, 31} : std::vector<uint32_t>{12, 31};
    }));
    ipvs::Session session(kernel.connector());
    return session.snapshot(consistent, Control::within(5s), found).status;
  };
  ipvs::Session::Snapshot found;
  SUBCASE("in the first pass: two more passes have to agree") {
    REQUIRE(take(1, true, found).ok());
    CHECK(found.counts == std::vector<uint32_t>{2, 1});
    CHECK(listings == 3);
  }
  SUBCASE("in every pass: a conflict, although all passes have the same keys") {
    CHECK(take(100, true, found).kind == FailureKind::conflict);
  }
  SUBCASE("in the only pass, without `consistent`") {
    REQUIRE(take(1, false, found).ok());
    CHECK(found.counts == std::vector<uint32_t>{2, 1});
    CHECK(listings == 1);
  }
}

TEST_CASE("a snapshot of a table that never settles is a conflict") {
  std::atomic<uint32_t> listings = 0;
  fake::Kernel kernel(snapshotKernel([&listings](bool listing) {
    listings += listing ? 1 : 0;
    return std::vector<uint32_t>{listings * 10};
  }));
  ipvs::Session session(kernel.connector());
  ipvs::Session::Snapshot found;
  CHECK(session.snapshot(true, Control::within(5s), found).status.kind == FailureKind::conflict);
}
