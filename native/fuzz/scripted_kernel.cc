#include "scripted_kernel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace scripted {
namespace {

using netlink::Bytes;

// More receives than any call makes before it gives up. A script that needs more has found an endless loop.
constexpr int mostReceives = 100'000;

struct State {
  Bytes left;
  Lookups lookups = Lookups::answered;
  nlmsghdr request{}; // header of the first message of the last datagram sent
  bool lookup = false;
  int receives = 0;
};
State state;

uint16_t takeLength() {
  const auto length = netlink::load<uint16_t>(state.left.data());
  state.left = state.left.subspan(sizeof length);
  return length;
}

ssize_t replyToLookup(std::byte* to, size_t room) {
  std::vector<std::byte> bytes;
  const auto append = [&bytes](const auto& value) {
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), from, from + sizeof value);
  };
  constexpr uint32_t length = sizeof(nlmsghdr) + sizeof(genlmsghdr) + 8;
  append(nlmsghdr{length, GENL_ID_CTRL, 0, state.request.nlmsg_seq, 0});
  append(genlmsghdr{CTRL_CMD_NEWFAMILY, 1, 0});
  append(nlattr{6, CTRL_ATTR_FAMILY_ID});
  append(uint32_t{familyId});
  append(nlmsghdr{sizeof(nlmsghdr) + sizeof(nlmsgerr), NLMSG_ERROR, NLM_F_CAPPED, state.request.nlmsg_seq, 0});
  append(nlmsgerr{0, state.request});
  check(bytes.size() <= room);
  std::copy(bytes.begin(), bytes.end(), to);
  state.lookup = false;
  return static_cast<ssize_t>(bytes.size());
}

// Adds the request's sequence number to each message, as far as the bytes are messages.
void renumber(std::byte* datagram, size_t size) {
  for (size_t at = 0; size - at >= sizeof(nlmsghdr);) {
    auto header = netlink::load<nlmsghdr>(datagram + at);
    header.nlmsg_seq += state.request.nlmsg_seq;
    netlink::store(datagram + at, header);
    const size_t step = netlink::align4(header.nlmsg_len);
    if (header.nlmsg_len < sizeof header || step > size - at) {
      return;
    }
    at += step;
  }
}

ssize_t receive(msghdr* header) {
  check(++state.receives < mostReceives);
  auto* const to = static_cast<std::byte*>(header->msg_iov->iov_base);
  const size_t room = header->msg_iov->iov_len;
  header->msg_flags = 0;
  header->msg_namelen = 0;
  if (state.lookup && state.lookups == Lookups::answered) {
    return replyToLookup(to, room);
  }
  if (state.left.size() < sizeof(uint16_t)) {
    errno = ENOBUFS;
    return -1;
  }
  const uint16_t length = takeLength();
  if (length >= 0xff00) {
    // EAGAIN would loop, as the wrapped poll() always reports readable data.
    errno = length == (0xff00 | EAGAIN) || length == 0xff00 ? ENOBUFS : length & 0xff;
    return -1;
  }
  const size_t size = std::min<size_t>(length, state.left.size());
  const size_t taken = std::min(size, room);
  header->msg_flags = size > room ? MSG_TRUNC : 0;
  std::copy_n(state.left.begin(), taken, to);
  state.left = state.left.subspan(size);
  renumber(to, taken);
  return static_cast<ssize_t>(taken);
}

// Datagrams sent by us must consist of complete messages.
void take(Bytes datagram) {
  check(datagram.size() >= sizeof(nlmsghdr));
  state.request = netlink::load<nlmsghdr>(datagram.data());
  state.lookup = state.request.nlmsg_type == GENL_ID_CTRL;
  netlink::MessageReader reader(datagram);
  netlink::Message message;
  while (reader.next(message)) {
  }
  check(!reader.malformed());
}

} // namespace

void load(Bytes input, Lookups lookups) {
  state = {};
  state.left = input;
  state.lookups = lookups;
}

netlink::Channel::Connector connector() {
  return [](netlink::Socket& socket) {
    socket = netlink::Socket::adopt(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return netlink::done();
  };
}

} // namespace scripted

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" ssize_t __wrap_sendmsg(int, const msghdr* header, int) {
  const iovec& part = *header->msg_iov;
  scripted::take({static_cast<const std::byte*>(part.iov_base), part.iov_len});
  return static_cast<ssize_t>(part.iov_len);
}

extern "C" ssize_t __wrap_recvmsg(int, msghdr* header, int) { return scripted::receive(header); }

extern "C" int __wrap_poll(pollfd* fds, nfds_t, int) {
  fds[0].revents = POLLIN;
  return 1;
}
// NOLINTEND(bugprone-reserved-identifier)
