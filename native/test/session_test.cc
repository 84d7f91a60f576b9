// The IPVS session against a scripted kernel: families that change, dumps that tear, outcomes that are unknown.
#include "fake_kernel.h"
#include "ipvs/session.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace {

using namespace std::chrono_literals;
using fake::Answer;
using fake::Datagram;
using Datagrams = std::vector<Datagram>;
using ipvs::Item;
using ipvs::Operation;
using netlink::Cause;
using netlink::Control;
using netlink::Message;
using Requests = std::vector<Message>;

ipvs::Row serviceRow(uint32_t mark, const char* scheduler = "rr") {
  ipvs::Row row(sizeof(ipvs::Service));
  std::vector<std::byte> attributes;
  netlink::Writer writer(attributes);
  writer.value<uint16_t>(IPVS_SVC_ATTR_AF, 2);
  writer.value<uint32_t>(IPVS_SVC_ATTR_FWMARK, mark);
  writer.text(IPVS_SVC_ATTR_SCHED_NAME, scheduler);
  REQUIRE_FALSE(netlink::decode(ipvs::serviceRecord, attributes, row.data()));
  return row;
}

ipvs::Row destinationRow(uint8_t last, uint32_t weight) {
  ipvs::Row row(sizeof(ipvs::Destination));
  std::vector<std::byte> attributes;
  netlink::Writer writer(attributes);
  const uint8_t address[16] = {10, 0, 0, last};
  writer.attribute(IPVS_DEST_ATTR_ADDR, address, sizeof address);
  writer.value<uint16_t>(IPVS_DEST_ATTR_PORT, 0);
  writer.value<uint16_t>(IPVS_DEST_ATTR_ADDR_FAMILY, 2);
  writer.value<uint32_t>(IPVS_DEST_ATTR_WEIGHT, weight);
  REQUIRE_FALSE(netlink::decode(ipvs::destinationRecord, attributes, row.data()));
  return row;
}

uint8_t commandOf(const Message& request) { return netlink::load<genlmsghdr>(request.payload.data()).cmd; }

bool isLookup(const Requests& requests) { return requests[0].header.nlmsg_type == GENL_ID_CTRL; }

void putService(Answer& answer, const nlmsghdr& request, uint32_t mark, const char* scheduler = "rr") {
  answer.data(request, IPVS_CMD_NEW_SERVICE, [&](netlink::Writer& writer) {
    const size_t nest = writer.beginNest(IPVS_CMD_ATTR_SERVICE);
    writer.value<uint16_t>(IPVS_SVC_ATTR_AF, 2);
    writer.value<uint32_t>(IPVS_SVC_ATTR_FWMARK, mark);
    writer.text(IPVS_SVC_ATTR_SCHED_NAME, scheduler);
    const uint32_t flags[2] = {0x2, 0xffffffff};
    writer.attribute(IPVS_SVC_ATTR_FLAGS, flags, sizeof flags);
    writer.endNest(nest);
  });
}

// A kernel that finds the family and leaves the rest to `script`.
fake::Kernel::Script withFamily(fake::Kernel::Script script) {
  return [script = std::move(script)](const Requests& requests) {
    return isLookup(requests) ? Datagrams{fake::familyAnswer(requests[0].header)} : script(requests);
  };
}

std::vector<Datagram> dumpOf(const Requests& requests, std::vector<std::vector<uint32_t>> datagrams) {
  std::vector<Datagram> out;
  for (const auto& marks : datagrams) {
    Answer answer;
    for (const uint32_t mark : marks) {
      putService(answer, requests[0].header, mark);
    }
    out.push_back(answer.take());
  }
  out.push_back(Answer().doneDump(requests[0].header).take());
  return out;
}

} // namespace

TEST_CASE("failures carry the index of their item, across chunks") {
  fake::Kernel kernel(withFamily([](const Requests& requests) {
    std::vector<Datagram> out;
    for (const Message& request : requests) {
      ipvs::Service row{};
      netlink::AttributeReader reader(request.payload.subspan(sizeof(genlmsghdr)));
      netlink::Attribute attribute;
      CHECK(reader.next(attribute));
      CHECK_FALSE(netlink::decode(ipvs::serviceRecord, attribute.payload, reinterpret_cast<std::byte*>(&row)));
      if (row.fwmark % 100 == 0) {
        out.push_back(Answer().error(request.header, EEXIST).take());
      }
    }
    if (out.empty() || (requests.back().header.nlmsg_flags & NLM_F_ACK) != 0) {
      out.push_back(Answer().ack(requests.back().header).take());
    }
    return out;
  }));
  ipvs::Session session(kernel.connector());
  std::vector<ipvs::Row> rows;
  std::vector<Item> items;
  for (uint32_t i = 0; i < 301; ++i) {
    rows.push_back(serviceRow(i + 1));
  }
  for (const ipvs::Row& row : rows) {
    items.push_back({Operation::addService, row.data()});
  }
  const auto failures = session.execute(items, Control::within(5s));
  REQUIRE(failures.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(failures[i].index == 99 + 100 * i);
    CHECK(failures[i].status.error == EEXIST);
    CHECK_FALSE(failures[i].unknown);
  }
}

TEST_CASE("a stale family number is looked up again and only what it refused is repeated") {
  std::atomic<int> lookups = 0;
  std::atomic<int> adds = 0;
  fake::Kernel kernel([&](const Requests& requests) {
    if (isLookup(requests)) {
      return Datagrams{fake::familyAnswer(requests[0].header, ++lookups == 1 ? 29 : 30)};
    }
    ++adds;
    if (requests[0].header.nlmsg_type == 29) {
      return Datagrams{Answer().error(requests[0].header, ENOENT).take()};
    }
    return Datagrams{Answer().ack(requests[0].header).take()};
  });
  ipvs::Session session(kernel.connector());
  const ipvs::Row row = serviceRow(7);
  const Item items[] = {{Operation::addService, row.data()}};
  CHECK(session.execute(items, Control::within(5s)).empty());
  CHECK(lookups == 2);
  CHECK(adds == 2);
}

TEST_CASE("ENOENT from an unchanged family is the object's") {
  fake::Kernel kernel(withFamily(
      [](const Requests& requests) { return Datagrams{Answer().error(requests[0].header, ENOENT).take()}; }));
  ipvs::Session session(kernel.connector());
  const ipvs::Row service = serviceRow(7, "nosuch");
  const Item items[] = {{Operation::addService, service.data()}};
  const auto failures = session.execute(items, Control::within(5s));
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.cause == Cause::rejected);
  CHECK(failures[0].status.error == ENOENT);
}

TEST_CASE("a module unloaded meanwhile is unavailable, not a missing scheduler") {
  std::atomic<int> lookups = 0;
  fake::Kernel kernel([&](const Requests& requests) {
    if (isLookup(requests) && ++lookups == 1) {
      return Datagrams{fake::familyAnswer(requests[0].header)};
    }
    return Datagrams{Answer().error(requests[0].header, ENOENT).take()};
  });
  ipvs::Session session(kernel.connector());
  const ipvs::Row service = serviceRow(7);
  const Item items[] = {{Operation::addService, service.data()}};
  const auto failures = session.execute(items, Control::within(5s));
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.cause == Cause::unavailable);
  CHECK_FALSE(failures[0].unknown);
}

TEST_CASE("a lost ACK is settled by reading back") {
  // What GET_SERVICE says after the ACK of the write was lost.
  enum class Found : uint8_t { same, other, missing };
  const auto outcome = [](Operation operation, Found found) {
    fake::Kernel kernel(withFamily([found](const Requests& requests) -> std::vector<Datagram> {
      if (commandOf(requests[0]) != IPVS_CMD_GET_SERVICE) {
        return {}; // carried out or not: nobody answers
      }
      Answer answer;
      if (found == Found::missing) {
        return {answer.error(requests[0].header, ESRCH).take()};
      }
      putService(answer, requests[0].header, 7, found == Found::same ? "rr" : "wlc");
      answer.ack(requests[0].header);
      return {answer.take()};
    }));
    ipvs::Session session(kernel.connector());
    const ipvs::Row row = serviceRow(7);
    const Item items[] = {{operation, row.data()}};
    auto failures = session.execute(items, Control::within(50ms));
    return failures;
  };
  SUBCASE("an added service that is there as asked is done") {
    CHECK(outcome(Operation::addService, Found::same).empty());
  }
  SUBCASE("an added service that is not there was not applied") {
    const auto failures = outcome(Operation::addService, Found::missing);
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].status.cause == Cause::timeout);
    CHECK_FALSE(failures[0].unknown);
  }
  SUBCASE("another service in its place leaves the outcome unknown") {
    const auto failures = outcome(Operation::addService, Found::other);
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].unknown);
  }
  SUBCASE("a removed service that is gone is done") {
    CHECK(outcome(Operation::removeService, Found::missing).empty());
  }
  SUBCASE("a removed service that is there was not removed") {
    const auto failures = outcome(Operation::removeService, Found::same);
    REQUIRE(failures.size() == 1);
    CHECK_FALSE(failures[0].unknown);
  }
}

TEST_CASE("an outcome that a later write of the same chunk hides stays unknown") {
  fake::Kernel kernel(withFamily([](const Requests& requests) -> std::vector<Datagram> {
    if (commandOf(requests[0]) != IPVS_CMD_GET_SERVICE) {
      return {};
    }
    return {Answer().error(requests[0].header, ESRCH).take()};
  }));
  ipvs::Session session(kernel.connector());
  const ipvs::Row row = serviceRow(7);
  const Item items[] = {{Operation::addService, row.data()}, {Operation::removeService, row.data()}};
  const auto failures = session.execute(items, Control::within(50ms));
  REQUIRE(failures.size() == 1); // the removal is settled: the service is gone
  CHECK(failures[0].index == 0);
  CHECK(failures[0].unknown);
}

TEST_CASE("a lost ACK and silence afterwards: unknown") {
  fake::Kernel kernel(withFamily([](const Requests&) { return std::vector<Datagram>(); }));
  ipvs::Session session(kernel.connector());
  const ipvs::Row row = serviceRow(7);
  const Item items[] = {{Operation::addService, row.data()}};
  const auto failures = session.execute(items, Control::within(50ms));
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.cause == Cause::timeout);
  CHECK(failures[0].unknown);
}

TEST_CASE("a dump of one datagram is believed, a longer one is repeated until two passes agree") {
  std::atomic<int> passes = 0;
  const auto list = [&](std::function<std::vector<std::vector<uint32_t>>(int)> datagrams, bool consistent,
                        ipvs::Row& rows) {
    passes = 0;
    fake::Kernel kernel(withFamily([&](const Requests& requests) { return dumpOf(requests, datagrams(++passes)); }));
    ipvs::Session session(kernel.connector());
    return session.read(Operation::listServices, nullptr, consistent, Control::within(5s), rows).status;
  };
  ipvs::Row rows;
  SUBCASE("one datagram") {
    CHECK(list([](int) { return std::vector<std::vector<uint32_t>>{{1, 2, 3}}; }, true, rows).ok());
    CHECK(passes == 1);
    CHECK(rows.size() == 3 * sizeof(ipvs::Service));
  }
  SUBCASE("two datagrams that agree at once") {
    CHECK(list([](int) { return std::vector<std::vector<uint32_t>>{{1, 2}, {3}}; }, true, rows).ok());
    CHECK(passes == 2);
  }
  SUBCASE("a service that the first pass missed is in the result") {
    const auto torn = [](int pass) {
      return pass == 1 ? std::vector<std::vector<uint32_t>>{{1, 2}, {4}}
                       : std::vector<std::vector<uint32_t>>{{1, 2}, {3, 4}};
    };
    CHECK(list(torn, true, rows).ok());
    CHECK(passes == 3);
    CHECK(rows.size() == 4 * sizeof(ipvs::Service));
  }
  SUBCASE("a doubled row shows once") {
    CHECK(list([](int) { return std::vector<std::vector<uint32_t>>{{1, 2}, {2, 3}}; }, false, rows).ok());
    CHECK(passes == 1);
    CHECK(rows.size() == 3 * sizeof(ipvs::Service));
  }
  SUBCASE("a table that never settles is a conflict") {
    const auto restless = [](int pass) {
      return std::vector<std::vector<uint32_t>>{{1}, {static_cast<uint32_t>(pass + 1)}};
    };
    CHECK(list(restless, true, rows).cause == Cause::conflict);
  }
}

TEST_CASE("listed services do not show the kernel's HASHED flag") {
  fake::Kernel kernel(withFamily([](const Requests& requests) { return dumpOf(requests, {{7}}); }));
  ipvs::Session session(kernel.connector());
  ipvs::Row rows;
  REQUIRE(session.read(Operation::listServices, nullptr, true, Control::within(5s), rows).status.ok());
  CHECK(netlink::load<uint32_t>(rows.data() + offsetof(ipvs::Service, flags)) == 0);
}

TEST_CASE("no destinations is told from no service") {
  std::atomic<bool> exists = true;
  fake::Kernel kernel(withFamily([&](const Requests& requests) -> std::vector<Datagram> {
    Answer answer;
    if (commandOf(requests[0]) == IPVS_CMD_GET_DEST) {
      return {answer.doneDump(requests[0].header).take()};
    }
    if (!exists) {
      return {answer.error(requests[0].header, ESRCH).take()};
    }
    putService(answer, requests[0].header, 7);
    return {answer.ack(requests[0].header).take()};
  }));
  ipvs::Session session(kernel.connector());
  const ipvs::Row key = serviceRow(7);
  ipvs::Row rows;
  CHECK(session.read(Operation::listDestinations, key.data(), true, Control::within(5s), rows).status.ok());
  CHECK(rows.empty());
  exists = false;
  const auto failure = session.read(Operation::listDestinations, key.data(), true, Control::within(5s), rows);
  CHECK(failure.status.error == ESRCH);
}

TEST_CASE("a patch of a destination that is not there is refused without a write") {
  std::atomic<int> writes = 0;
  fake::Kernel kernel(withFamily([&](const Requests& requests) -> std::vector<Datagram> {
    Answer answer;
    if (commandOf(requests[0]) == IPVS_CMD_GET_DEST) {
      return {answer.doneDump(requests[0].header).take()};
    }
    if (commandOf(requests[0]) == IPVS_CMD_GET_SERVICE) {
      putService(answer, requests[0].header, 7);
      return {answer.ack(requests[0].header).take()};
    }
    ++writes;
    return {answer.ack(requests[0].header).take()};
  }));
  ipvs::Session session(kernel.connector());
  const ipvs::Row service = serviceRow(7);
  const ipvs::Row destination = destinationRow(7, 0);
  const Item items[] = {{Operation::updateDestination, service.data(), destination.data()}};
  const auto failures = session.execute(items, Control::within(5s));
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.error == ENOENT);
  CHECK(writes == 0);
}

namespace {

// A kernel with marks as services; each has one destination per digit of its mark. `marks` is asked for at each
// listing.
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
    Answer answer;
    if (commandOf(requests[0]) == IPVS_CMD_GET_SERVICE) {
      if (!exists) {
        return {answer.error(header, ESRCH).take()};
      }
      putService(answer, header, mark);
      return {answer.ack(header).take()};
    }
    for (uint32_t i = 0; exists && i < mark % 10; ++i) {
      answer.data(header, IPVS_CMD_NEW_DEST, [&](netlink::Writer& writer) {
        const size_t nest = writer.beginNest(IPVS_CMD_ATTR_DEST);
        const uint8_t address[16] = {10, 0, 0, static_cast<uint8_t>(i)};
        writer.attribute(IPVS_DEST_ATTR_ADDR, address, sizeof address);
        writer.value<uint16_t>(IPVS_DEST_ATTR_ADDR_FAMILY, 2);
        writer.endNest(nest);
      });
    }
    return {answer.doneDump(header).take()};
  });
}

} // namespace

TEST_CASE("a snapshot groups destinations by service, and tells none from gone") {
  fake::Kernel kernel(snapshotKernel([](bool) { return std::vector<uint32_t>{12, 20, 31}; }));
  ipvs::Session session(kernel.connector());
  ipvs::Session::Snapshot found;
  REQUIRE(session.snapshot(true, Control::within(5s), found).status.ok());
  CHECK(found.services.size() == 3 * sizeof(ipvs::Service));
  CHECK(found.counts == std::vector<uint32_t>{2, 0, 1});
  CHECK(found.destinations.size() == 3 * sizeof(ipvs::Destination));
}

TEST_CASE("a service that goes during a snapshot is left out, and the passes go on until two agree") {
  std::atomic<int> asked = 0;
  // Service 20 is there for the first listing only.
  fake::Kernel kernel(snapshotKernel(
      [&asked](bool) { return ++asked == 1 ? std::vector<uint32_t>{12, 20, 31} : std::vector<uint32_t>{12, 31}; }));
  ipvs::Session session(kernel.connector());
  ipvs::Session::Snapshot found;
  REQUIRE(session.snapshot(true, Control::within(5s), found).status.ok());
  CHECK(found.counts == std::vector<uint32_t>{2, 1});
}

TEST_CASE("a snapshot of a table that never settles is a conflict") {
  std::atomic<uint32_t> asked = 0;
  fake::Kernel kernel(snapshotKernel([&asked](bool listing) {
    asked += listing ? 1 : 0;
    return std::vector<uint32_t>{asked * 10};
  }));
  ipvs::Session session(kernel.connector());
  ipvs::Session::Snapshot found;
  CHECK(session.snapshot(true, Control::within(5s), found).status.cause == Cause::conflict);
}

TEST_CASE("lost ACKs of timeouts and daemons are settled by reading back") {
  // A kernel that carries out nothing and answers no write; its timeouts and its daemon are these.
  fake::Kernel kernel(withFamily([](const Requests& requests) -> std::vector<Datagram> {
    const nlmsghdr& header = requests[0].header;
    Answer answer;
    if (commandOf(requests[0]) == IPVS_CMD_GET_CONFIG) {
      answer.data(
          header, IPVS_CMD_SET_CONFIG,
          [](netlink::Writer& writer) {
            writer.value<uint32_t>(IPVS_CMD_ATTR_TIMEOUT_TCP, 900);
            writer.value<uint32_t>(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, 120);
            writer.value<uint32_t>(IPVS_CMD_ATTR_TIMEOUT_UDP, 300);
          },
          0);
      return {answer.ack(header).take()};
    }
    if (commandOf(requests[0]) == IPVS_CMD_GET_DAEMON) {
      answer.data(header, IPVS_CMD_NEW_DAEMON, [](netlink::Writer& writer) {
        const size_t nest = writer.beginNest(IPVS_CMD_ATTR_DAEMON);
        writer.value<uint32_t>(IPVS_DAEMON_ATTR_STATE, IP_VS_STATE_MASTER);
        writer.text(IPVS_DAEMON_ATTR_MCAST_IFN, "eth0");
        writer.value<uint32_t>(IPVS_DAEMON_ATTR_SYNC_ID, 1);
        writer.endNest(nest);
      });
      return {answer.take(), Answer().doneDump(header).take()};
    }
    return {};
  }));
  ipvs::Session session(kernel.connector());
  const auto outcome = [&session](Operation operation, const netlink::Record& record,
                                  const std::function<void(netlink::Writer&)>& attributes) {
    std::vector<std::byte> bytes;
    netlink::Writer writer(bytes);
    attributes(writer);
    ipvs::Row row(record.size);
    CHECK_FALSE(netlink::decode(record, bytes, row.data()));
    const Item items[] = {{operation, nullptr, nullptr, row.data()}};
    return session.execute(items, Control::within(50ms));
  };
  const auto daemon = [](uint32_t state, const char* interface) {
    return [state, interface](netlink::Writer& writer) {
      writer.value<uint32_t>(IPVS_DAEMON_ATTR_STATE, state);
      writer.text(IPVS_DAEMON_ATTR_MCAST_IFN, interface);
    };
  };
  const auto tcp = [](uint32_t seconds) {
    return [seconds](netlink::Writer& writer) { writer.value<uint32_t>(IPVS_CMD_ATTR_TIMEOUT_TCP, seconds); };
  };
  CHECK(outcome(Operation::setTimeouts, ipvs::timeoutsRecord, tcp(900)).empty());
  const auto changed = outcome(Operation::setTimeouts, ipvs::timeoutsRecord, tcp(60));
  REQUIRE(changed.size() == 1);
  CHECK_FALSE(changed[0].unknown);
  CHECK(outcome(Operation::startSyncDaemon, ipvs::daemonRecord, daemon(IP_VS_STATE_MASTER, "eth0")).empty());
  const auto other = outcome(Operation::startSyncDaemon, ipvs::daemonRecord, daemon(IP_VS_STATE_MASTER, "eth1"));
  REQUIRE(other.size() == 1);
  CHECK(other[0].unknown);
  CHECK(outcome(Operation::stopSyncDaemon, ipvs::daemonRecord, daemon(IP_VS_STATE_BACKUP, "")).empty());
  const auto running = outcome(Operation::stopSyncDaemon, ipvs::daemonRecord, daemon(IP_VS_STATE_MASTER, ""));
  REQUIRE(running.size() == 1);
  CHECK_FALSE(running[0].unknown);
}
