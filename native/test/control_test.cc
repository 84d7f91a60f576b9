// Exchanges that the kernel does not finish end by the deadline or an abort.
#include "fake_kernel.h"

#include <doctest/doctest.h>

namespace {

using namespace std::chrono_literals;
using fake::Datagram;
using fake::Reply;
using netlink::Batch;
using netlink::Channel;
using netlink::Control;
using netlink::FailureKind;
using netlink::Message;
using netlink::Replies;
using Requests = std::vector<Message>;

void fill(Batch& batch) {
  (void)netlink::beginGeneric(batch, fake::familyId, 1, 0);
  batch.end();
  batch.acknowledge();
}

} // namespace

TEST_CASE("without a reply, the exchange ends at the deadline and the socket is replaced") {
  fake::Kernel kernel([](const Requests&) { return std::vector<Datagram>(); });
  Channel channel(kernel.connector());
  for (int round = 1; round <= 2; ++round) {
    fill(channel.compose());
    Replies replies;
    const netlink::Status status = channel.exchange(Control::within(50ms), replies);
    CHECK(status.kind == FailureKind::timeout);
    CHECK(replies.sent);
    CHECK(status.doubtful());
    CHECK(kernel.opened == round);
  }
}

TEST_CASE("nothing is sent after the deadline") {
  fake::Kernel kernel([](const Requests&) { return std::vector<Datagram>(); });
  Channel channel(kernel.connector());
  fill(channel.compose());
  Replies replies;
  CHECK(channel.exchange(Control::within(-1ms), replies).kind == FailureKind::timeout);
  CHECK_FALSE(replies.sent);
  CHECK(kernel.opened == 0);
}

TEST_CASE("an interruption ends the wait") {
  fake::Kernel kernel([](const Requests&) { return std::vector<Datagram>(); });
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  REQUIRE(write(pipes[1], "x", 1) == 1);
  Channel channel(kernel.connector());
  fill(channel.compose());
  Replies replies;
  int calls = 0; // one before the request is sent, one when the descriptor is readable
  const Control control{netlink::Clock::now() + 60s, pipes[0],
                        [&calls](bool) { return ++calls > 1 ? FailureKind::aborted : FailureKind::none; }};
  CHECK(channel.exchange(control, replies).kind == FailureKind::aborted);
  CHECK(replies.sent);
  const Control before{netlink::Clock::now() + 60s, pipes[0], [](bool) { return FailureKind::aborted; }};
  fill(channel.compose());
  CHECK(channel.exchange(before, replies).kind == FailureKind::aborted);
  CHECK_FALSE(replies.sent);
  close(pipes[0]);
  close(pipes[1]);
}

TEST_CASE("an endless dump ends at the deadline or by an abort") {
  const auto dump = [](const Control& control) {
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    std::thread kernel([fd = pair[1]] {
      nlmsghdr request{};
      if (recv(fd, &request, sizeof request, 0) > 0) {
        const Datagram entry = Reply().data(request, 1, [](netlink::Writer&) {}).take();
        while (send(fd, entry.data(), entry.size(), MSG_NOSIGNAL) > 0) {
        }
      }
      close(fd);
    });
    Replies replies;
    FailureKind kind = FailureKind::none;
    {
      Channel channel([fd = pair[0]](netlink::Socket& socket) {
        socket = netlink::Socket::adopt(fd);
        return netlink::done();
      });
      Batch& batch = channel.compose();
      (void)netlink::beginGeneric(batch, fake::familyId, 1, NLM_F_DUMP);
      batch.end();
      kind = channel.exchange(control, replies, [](size_t, const Message&) { return true; }).kind;
    }
    kernel.join(); // the socket is closed
    return kind;
  };
  CHECK(dump(Control::within(50ms)) == FailureKind::timeout);
  int calls = 0;
  const Control impatient{netlink::Clock::now() + 60s, -1,
                          [&calls](bool) { return ++calls > 100 ? FailureKind::aborted : FailureKind::none; }};
  CHECK(dump(impatient) == FailureKind::aborted);
}

TEST_CASE("all read-backs of a call share one deadline and are marked as read-backs") {
  const Control control{netlink::Clock::now() - 100ms, -1,
                        [](bool readingBack) { return readingBack ? FailureKind::closed : FailureKind::none; }};
  const Control extended = control.forReadBack();
  CHECK(extended.deadline == control.deadline + netlink::readBackTime);
  CHECK(extended.forReadBack().deadline == extended.deadline);
  CHECK(control.interruption() == FailureKind::none);
  CHECK(extended.interruption() == FailureKind::closed);
  CHECK(Control{}.forReadBack().deadline == netlink::Clock::time_point::max());
}
