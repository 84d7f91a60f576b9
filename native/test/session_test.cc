// The IPVS session against a scripted kernel: changed family numbers, failures, unknown outcomes.
#include "session_script.h"

using namespace script; // NOLINT

// The time of calls that get no reply. The connection and the requests need a part of it, also on a busy machine.
constexpr auto patience = 500ms;

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
        out.push_back(Reply().error(request.header, EEXIST).take());
      }
    }
    if (out.empty() || (requests.back().header.nlmsg_flags & NLM_F_ACK) != 0) {
      out.push_back(Reply().ack(requests.back().header).take());
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

TEST_CASE("a stale family number is looked up again, and only refused items are repeated") {
  std::atomic<int> lookups = 0;
  std::atomic<int> adds = 0;
  fake::Kernel kernel([&](const Requests& requests) {
    if (isLookup(requests)) {
      return Datagrams{fake::familyReply(requests[0].header, ++lookups == 1 ? 29 : 30)};
    }
    ++adds;
    if (requests[0].header.nlmsg_type == 29) {
      return Datagrams{Reply().error(requests[0].header, ENOENT).take()};
    }
    return Datagrams{Reply().ack(requests[0].header).take()};
  });
  ipvs::Session session(kernel.connector());
  const ipvs::Row row = serviceRow(7);
  const Item items[] = {{Operation::addService, row.data()}};
  CHECK(session.execute(items, Control::within(5s)).empty());
  CHECK(lookups == 2);
  CHECK(adds == 2);
}

TEST_CASE("ENOENT with an unchanged family number is about the object") {
  fake::Kernel kernel(
      withFamily([](const Requests& requests) { return Datagrams{Reply().error(requests[0].header, ENOENT).take()}; }));
  ipvs::Session session(kernel.connector());
  const ipvs::Row service = serviceRow(7, "nosuch");
  const Item items[] = {{Operation::addService, service.data()}};
  const auto failures = session.execute(items, Control::within(5s));
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.kind == FailureKind::rejected);
  CHECK(failures[0].status.error == ENOENT);
}

TEST_CASE("ENOENT after the module was unloaded is reported as unavailable") {
  std::atomic<int> lookups = 0;
  fake::Kernel kernel([&](const Requests& requests) {
    if (isLookup(requests) && ++lookups == 1) {
      return Datagrams{fake::familyReply(requests[0].header)};
    }
    return Datagrams{Reply().error(requests[0].header, ENOENT).take()};
  });
  ipvs::Session session(kernel.connector());
  const ipvs::Row service = serviceRow(7);
  const Item items[] = {{Operation::addService, service.data()}};
  const auto failures = session.execute(items, Control::within(5s));
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.kind == FailureKind::unavailable);
  CHECK_FALSE(failures[0].unknown);
}

TEST_CASE("a lost ACK is settled by reading back") {
  // The reply to GET_SERVICE after the ACK of the write was lost.
  enum class Found : uint8_t { same, other, missing };
  const auto outcome = [](Operation operation, Found found) {
    fake::Kernel kernel(withFamily([found](const Requests& requests) -> std::vector<Datagram> {
      if (commandOf(requests[0]) != IPVS_CMD_GET_SERVICE) {
        return {}; // no reply
      }
      Reply reply;
      if (found == Found::missing) {
        return {reply.error(requests[0].header, ESRCH).take()};
      }
      putService(reply, requests[0].header, 7, found == Found::same ? "rr" : "wlc");
      reply.ack(requests[0].header);
      return {reply.take()};
    }));
    ipvs::Session session(kernel.connector());
    const ipvs::Row row = serviceRow(7);
    const Item items[] = {{operation, row.data()}};
    auto failures = session.execute(items, Control::within(patience));
    return failures;
  };
  SUBCASE("addService, and the service exists as requested: done") {
    CHECK(outcome(Operation::addService, Found::same).empty());
  }
  SUBCASE("addService, and the service is missing: not applied") {
    const auto failures = outcome(Operation::addService, Found::missing);
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].status.kind == FailureKind::timeout);
    CHECK_FALSE(failures[0].unknown);
  }
  SUBCASE("addService, and the service has other settings: unknown") {
    const auto failures = outcome(Operation::addService, Found::other);
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].unknown);
  }
  SUBCASE("removeService, and the service is missing: done") {
    CHECK(outcome(Operation::removeService, Found::missing).empty());
  }
  SUBCASE("removeService, and the service exists: not applied") {
    const auto failures = outcome(Operation::removeService, Found::same);
    REQUIRE(failures.size() == 1);
    CHECK_FALSE(failures[0].unknown);
  }
}

TEST_CASE("an outcome hidden by a later write of the same chunk stays unknown") {
  fake::Kernel kernel(withFamily([](const Requests& requests) -> std::vector<Datagram> {
    if (commandOf(requests[0]) != IPVS_CMD_GET_SERVICE) {
      return {};
    }
    return {Reply().error(requests[0].header, ESRCH).take()};
  }));
  ipvs::Session session(kernel.connector());
  const ipvs::Row row = serviceRow(7);
  const Item items[] = {{Operation::addService, row.data()}, {Operation::removeService, row.data()}};
  const auto failures = session.execute(items, Control::within(patience));
  REQUIRE(failures.size() == 1); // the removal is resolved: the service is missing
  CHECK(failures[0].index == 0);
  CHECK(failures[0].unknown);
}

TEST_CASE("a lost ACK and a read-back without a reply: unknown") {
  fake::Kernel kernel(withFamily([](const Requests&) { return std::vector<Datagram>(); }));
  ipvs::Session session(kernel.connector());
  const ipvs::Row row = serviceRow(7);
  const Item items[] = {{Operation::addService, row.data()}};
  const auto failures = session.execute(items, Control::within(patience));
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].status.kind == FailureKind::timeout);
  CHECK(failures[0].unknown);
}

TEST_CASE("a patch of a missing destination fails without a write") {
  std::atomic<int> writes = 0;
  fake::Kernel kernel(withFamily([&](const Requests& requests) -> std::vector<Datagram> {
    Reply reply;
    if (commandOf(requests[0]) == IPVS_CMD_GET_DEST) {
      return {reply.doneDump(requests[0].header).take()};
    }
    if (commandOf(requests[0]) == IPVS_CMD_GET_SERVICE) {
      putService(reply, requests[0].header, 7);
      return {reply.ack(requests[0].header).take()};
    }
    ++writes;
    return {reply.ack(requests[0].header).take()};
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

TEST_CASE("lost ACKs of timeouts and daemons are resolved by reading back") {
  // A kernel with fixed timeouts and one daemon that ignores writes.
  fake::Kernel kernel(withFamily([](const Requests& requests) -> std::vector<Datagram> {
    const nlmsghdr& header = requests[0].header;
    Reply reply;
    if (commandOf(requests[0]) == IPVS_CMD_GET_CONFIG) {
      reply.data(
          header, IPVS_CMD_SET_CONFIG,
          [](netlink::Writer& writer) {
            writer.value<uint32_t>(IPVS_CMD_ATTR_TIMEOUT_TCP, 900);
            writer.value<uint32_t>(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, 120);
            writer.value<uint32_t>(IPVS_CMD_ATTR_TIMEOUT_UDP, 300);
          },
          0);
      return {reply.ack(header).take()};
    }
    if (commandOf(requests[0]) == IPVS_CMD_GET_DAEMON) {
      reply.data(header, IPVS_CMD_NEW_DAEMON, [](netlink::Writer& writer) {
        const size_t nest = writer.beginNest(IPVS_CMD_ATTR_DAEMON);
        writer.value<uint32_t>(IPVS_DAEMON_ATTR_STATE, IP_VS_STATE_MASTER);
        writer.text(IPVS_DAEMON_ATTR_MCAST_IFN, "eth0");
        writer.value<uint32_t>(IPVS_DAEMON_ATTR_SYNC_ID, 1);
        writer.endNest(nest);
      });
      return {reply.take(), Reply().doneDump(header).take()};
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
    return session.execute(items, Control::within(patience));
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

TEST_CASE("a call gives up after one read-back without a reply, and starts none when the session is closing") {
  std::atomic<int> reads = 0;
  fake::Kernel kernel(withFamily([&](const Requests& requests) {
    reads += commandOf(requests[0]) == IPVS_CMD_GET_SERVICE ? 1 : 0;
    return std::vector<Datagram>();
  }));
  ipvs::Session session(kernel.connector());
  std::vector<ipvs::Row> rows;
  std::vector<Item> items;
  for (uint32_t mark = 1; mark <= 20; ++mark) {
    rows.push_back(serviceRow(mark));
  }
  for (const ipvs::Row& row : rows) {
    items.push_back({Operation::addService, row.data()});
  }
  Control control = Control::within(patience);
  int expected = 1;
  SUBCASE("not interrupted") {}
  SUBCASE("the session is closing") {
    control.interrupted = [](bool readingBack) { return readingBack ? FailureKind::closed : FailureKind::none; };
    expected = 0;
  }
  const auto failures = session.execute(items, control);
  CHECK(reads == expected);
  REQUIRE(failures.size() == items.size());
  for (const netlink::Failure& failure : failures) {
    CHECK(failure.status.kind == FailureKind::timeout);
    CHECK(failure.unknown);
  }
}
