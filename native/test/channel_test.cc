// Faults of the transport that a real kernel does not produce on demand.
#include "fake_kernel.h"

#include <doctest/doctest.h>

#include <climits>

namespace {

using namespace std::chrono_literals;
using fake::Datagram;
using fake::Reply;
using Datagrams = std::vector<Datagram>;
using netlink::Batch;
using netlink::Channel;
using netlink::Control;
using netlink::FailureKind;
using netlink::Message;
using netlink::Replies;

void fill(Batch& batch, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    netlink::Writer writer = netlink::beginGeneric(batch, fake::familyId, 1, 0);
    writer.value<uint32_t>(1, static_cast<uint32_t>(i));
    batch.end();
  }
  batch.acknowledge();
}

using Requests = std::vector<Message>;

netlink::Status exchange(fake::Kernel& kernel, size_t count, Replies& replies) {
  Channel channel(kernel.connector());
  fill(channel.compose(), count);
  return channel.exchange(Control::within(5s), replies, [](size_t, const Message&) { return true; });
}

// Replaces the error code of an NLMSG_ERROR or NLMSG_DONE.
Datagram withCode(Reply& reply, int code) {
  Datagram bytes = reply.take();
  netlink::store(bytes.data() + sizeof(nlmsghdr), code);
  return bytes;
}

} // namespace

TEST_CASE("only the last message requests an ACK, and its ACK ends the exchange") {
  std::vector<uint16_t> flags;
  fake::Kernel kernel([&](const Requests& requests) {
    for (const Message& request : requests) {
      flags.push_back(request.header.nlmsg_flags);
    }
    return Datagrams{Reply().ack(requests.back().header).take()};
  });
  Replies replies;
  CHECK(exchange(kernel, 3, replies).ok());
  CHECK(replies.sent);
  CHECK(replies.refusals.empty());
  CHECK(flags == std::vector<uint16_t>{NLM_F_REQUEST, NLM_F_REQUEST, NLM_F_REQUEST | NLM_F_ACK});
}

TEST_CASE("every refusal is assigned to its message, including the last one") {
  fake::Kernel kernel([](const Requests& requests) {
    std::vector<Datagram> out;
    for (const size_t i : {0U, 2U, 4U}) {
      out.push_back(Reply().error(requests[i].header, ENOENT).take());
    }
    return out;
  });
  Replies replies;
  CHECK(exchange(kernel, 5, replies).ok());
  REQUIRE(replies.refusals.size() == 3);
  CHECK(replies.refusal(0)->error == ENOENT);
  CHECK(replies.refusal(1) == nullptr);
  CHECK(replies.refusal(2)->error == ENOENT);
  CHECK(replies.refusal(4)->error == ENOENT);
}

TEST_CASE("extended ACKs carry the kernel's text and the offset") {
  fake::Kernel kernel([](const Requests& requests) {
    return Datagrams{Reply()
                         .error(requests[0].header, EINVAL,
                                [](netlink::Writer& writer) {
                                  writer.text(NLMSGERR_ATTR_MSG, "Attribute failed policy validation");
                                  writer.value<uint32_t>(NLMSGERR_ATTR_OFFS, 24);
                                })
                         .take()};
  });
  Replies replies;
  CHECK(exchange(kernel, 1, replies).ok());
  REQUIRE(replies.refusals.size() == 1);
  CHECK(replies.refusals[0].ack.text == "Attribute failed policy validation");
  CHECK(replies.refusals[0].ack.offset == 24);
}

TEST_CASE("replies with a wrong sequence number or port are dropped") {
  fake::Kernel kernel([](const Requests& requests) {
    nlmsghdr stale = requests[0].header;
    stale.nlmsg_seq -= 7;
    return Datagrams{Reply().error(stale, EEXIST).take(), Reply().port(4711).error(requests[0].header, EEXIST).take(),
                     Reply().ack(requests[0].header).take()};
  });
  Channel channel(kernel.connector());
  fill(channel.compose(), 1);
  Replies replies;
  CHECK(channel.exchange(Control::within(5s), replies).ok());
  CHECK(replies.refusals.empty());
  CHECK(channel.dropped() == 2);
}

TEST_CASE("a truncated reply is an unknown outcome") {
  fake::Kernel kernel([](const Requests& requests) {
    Datagram large = Reply().ack(requests[0].header).take();
    large.resize(Channel::receiveBufferSize + 4);
    return Datagrams{large};
  });
  Replies replies;
  CHECK(exchange(kernel, 1, replies).kind == FailureKind::truncated);
  CHECK(replies.sent);
}

TEST_CASE("NLMSG_OVERRUN is an unknown outcome") {
  fake::Kernel kernel([](const Requests& requests) {
    return Datagrams{Reply().header(NLMSG_OVERRUN, 0, requests[0].header.nlmsg_seq).take()};
  });
  Replies replies;
  CHECK(exchange(kernel, 1, replies).kind == FailureKind::overrun);
}

TEST_CASE("malformed replies are unknown outcomes and are never read past their end") {
  const auto causeOf = [](const std::function<Datagram(const nlmsghdr&)>& make) {
    fake::Kernel kernel([&make](const Requests& requests) { return Datagrams{make(requests[0].header)}; });
    Replies replies;
    return exchange(kernel, 1, replies).kind;
  };
  SUBCASE("length 0") {
    CHECK(causeOf([](const nlmsghdr& request) {
            Datagram bytes = Reply().ack(request).take();
            netlink::store(bytes.data(), uint32_t{0});
            return bytes;
          }) == FailureKind::malformed);
  }
  SUBCASE("length beyond the datagram") {
    CHECK(causeOf([](const nlmsghdr& request) {
            return Reply().header(NLMSG_ERROR, 0, request.nlmsg_seq, 0x80000000U).take();
          }) == FailureKind::malformed);
  }
  SUBCASE("an error too short for its number") {
    CHECK(causeOf([](const nlmsghdr& request) { return Reply().header(NLMSG_ERROR, 0, request.nlmsg_seq).take(); }) ==
          FailureKind::malformed);
  }
  SUBCASE("a positive error number") {
    CHECK(causeOf([](const nlmsghdr& request) { return Reply().error(request, -5).take(); }) == FailureKind::malformed);
  }
  SUBCASE("an error number that cannot be negated") {
    CHECK(causeOf([](const nlmsghdr& request) { return withCode(Reply().ack(request), INT_MIN); }) ==
          FailureKind::malformed);
  }
  SUBCASE("the end of a dump with an invalid errno") {
    for (const int code : {INT_MIN, -4096, 1}) {
      CHECK(causeOf([code](const nlmsghdr& request) { return withCode(Reply().doneDump(request), code); }) ==
            FailureKind::malformed);
    }
  }
  SUBCASE("three bytes") {
    CHECK(causeOf([](const nlmsghdr&) { return Datagram(3); }) == FailureKind::malformed);
  }
}

TEST_CASE("a peer that hangs up is an unknown outcome") {
  fake::Kernel kernel([](const Requests&) { return Datagrams{Datagram()}; });
  Replies replies;
  CHECK(exchange(kernel, 1, replies).kind == FailureKind::malformed);
}

TEST_CASE("a socket that cannot be opened is a local failure") {
  Channel channel([](netlink::Socket&) { return netlink::local(EMFILE); });
  fill(channel.compose(), 1);
  Replies replies;
  const netlink::Status status = channel.exchange(Control::within(1s), replies);
  CHECK(status.kind == FailureKind::local);
  CHECK(status.error == EMFILE);
  CHECK_FALSE(replies.sent);
}

TEST_CASE("a family number below 16 is rejected: the kernel acknowledges such messages and ignores them") {
  fake::Kernel kernel([](const Requests& requests) { return Datagrams{fake::familyReply(requests[0].header, 5)}; });
  Channel channel(kernel.connector());
  uint16_t id = 0;
  CHECK(netlink::resolveFamily(channel, "IPVS", Control::within(5s), id).kind == FailureKind::malformed);
}

TEST_CASE("no such family: unavailable") {
  fake::Kernel kernel(
      [](const Requests& requests) { return Datagrams{Reply().error(requests[0].header, ENOENT).take()}; });
  Channel channel(kernel.connector());
  uint16_t id = 0;
  CHECK(netlink::resolveFamily(channel, "IPVS", Control::within(5s), id).kind == FailureKind::unavailable);
}

TEST_CASE("a small window grows for a long dump, and the socket is replaced afterwards") {
  // Six datagrams: the last two are larger than the window.
  const auto datagram = [](const nlmsghdr& request, size_t size) {
    fake::Reply reply;
    reply.data(request, 1, [size](netlink::Writer& writer) {
      const std::vector<std::byte> payload(size);
      writer.attribute(1, payload.data(), payload.size());
    });
    return reply.take();
  };
  std::atomic<int> small = 4;
  fake::Kernel kernel([&](const std::vector<netlink::Message>& requests) {
    std::vector<fake::Datagram> out;
    for (int i = 0; i < 6; ++i) {
      out.push_back(datagram(requests[0].header, i < small ? 64 : 4096));
    }
    out.push_back(fake::Reply().doneDump(requests[0].header).take());
    return out;
  });
  netlink::Channel channel(kernel.connector(), 512);
  const auto dump = [&channel] {
    netlink::Batch& batch = channel.compose();
    (void)batch.begin(fake::familyId, NLM_F_DUMP);
    batch.end();
    netlink::Replies replies;
    return channel.exchange(Control::within(5s), replies, [](size_t, const netlink::Message&) { return true; });
  };
  CHECK(dump().ok());
  CHECK(kernel.opened == 1);
  CHECK(dump().ok());
  CHECK(kernel.opened == 2);
  small = 3; // one datagram too early
  CHECK(dump().kind == netlink::FailureKind::truncated);
}
