// A scripted kernel at the other end of a socket pair, for faults that a real kernel does not produce on demand. It
// replies to each datagram on its own thread.
#pragma once

#include "netlink/channel.h"
#include "netlink/family.h"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

namespace fake {

using Datagram = std::vector<std::byte>;

constexpr uint16_t familyId = 30;

// Builds the replies to the messages of one request datagram.
class Reply {
public:
  explicit Reply(uint32_t portId = 0) : portId_(portId) {}

  Reply& error(const nlmsghdr& request, int error, const std::function<void(netlink::Writer&)>& tlvs = {}) {
    const uint16_t flags = tlvs ? NLM_F_CAPPED | NLM_F_ACK_TLVS : NLM_F_CAPPED;
    begin(NLMSG_ERROR, flags, request.nlmsg_seq);
    const int code = -error;
    append(&code, sizeof code);
    append(&request, sizeof request);
    if (tlvs) {
      netlink::Writer writer(bytes_);
      tlvs(writer);
    }
    return end();
  }
  Reply& ack(const nlmsghdr& request) { return error(request, 0); }
  Reply& doneDump(const nlmsghdr& request) {
    begin(NLMSG_DONE, NLM_F_MULTI, request.nlmsg_seq);
    const int code = 0;
    append(&code, sizeof code);
    return end();
  }
  // A generic netlink message of our family with the given attributes.
  Reply& data(const nlmsghdr& request, uint8_t command, const std::function<void(netlink::Writer&)>& attributes,
              uint16_t flags = NLM_F_MULTI) {
    begin(request.nlmsg_type, flags, request.nlmsg_seq);
    const genlmsghdr header{command, 1, 0};
    append(&header, sizeof header);
    netlink::Writer writer(bytes_);
    attributes(writer);
    return end();
  }
  Reply& header(uint16_t type, uint16_t flags, uint32_t sequence, uint32_t length = 0) {
    begin(type, flags, sequence);
    end();
    if (length != 0) {
      netlink::store(bytes_.data() + start_, length);
    }
    return *this;
  }
  Reply& port(uint32_t portId) {
    portId_ = portId;
    return *this;
  }
  [[nodiscard]] Datagram take() { return std::move(bytes_); }

private:
  void begin(uint16_t type, uint16_t flags, uint32_t sequence) {
    start_ = bytes_.size();
    const nlmsghdr header{0, type, flags, sequence, portId_};
    append(&header, sizeof header);
  }
  void append(const void* data, size_t size) { netlink::Writer(bytes_).append(data, size); }
  Reply& end() {
    netlink::store(bytes_.data() + start_, static_cast<uint32_t>(bytes_.size() - start_));
    return *this;
  }

  Datagram bytes_;
  size_t start_ = 0;
  uint32_t portId_;
};

// The reply to a lookup of the family.
inline Datagram familyReply(const nlmsghdr& request, uint16_t id = familyId) {
  Reply reply;
  reply.data(request, CTRL_CMD_NEWFAMILY, [id](netlink::Writer& writer) { writer.value(CTRL_ATTR_FAMILY_ID, id); }, 0);
  reply.ack(request);
  return reply.take();
}

class Kernel {
public:
  // Returns the datagrams to reply with to the messages of a request datagram.
  using Script = std::function<std::vector<Datagram>(const std::vector<netlink::Message>& requests)>;

  explicit Kernel(Script script) : script_(std::move(script)) {}
  ~Kernel() {
    for (const int fd : peers_) {
      shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) {
      thread.join();
    }
    for (const int fd : peers_) {
      close(fd);
    }
  }
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // Every connection gets a new socket.
  netlink::Channel::Connector connector() {
    return [this](netlink::Socket& socket) {
      int pair[2];
      if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return netlink::local(errno);
      }
      socket = netlink::Socket::adopt(pair[0]);
      peers_.push_back(pair[1]);
      ++opened;
      threads_.emplace_back([this, fd = pair[1]] { serve(fd); });
      return netlink::done();
    };
  }

  std::atomic<int> opened = 0;

private:
  void serve(int fd) {
    std::vector<std::byte> buffer(1 << 20);
    for (;;) {
      const ssize_t received = recv(fd, buffer.data(), buffer.size(), 0);
      if (received <= 0) {
        return;
      }
      std::vector<netlink::Message> requests;
      netlink::MessageReader reader({buffer.data(), static_cast<size_t>(received)});
      netlink::Message message;
      while (reader.next(message)) {
        requests.push_back(message);
      }
      for (const Datagram& datagram : script_(requests)) {
        if (send(fd, datagram.data(), datagram.size(), MSG_NOSIGNAL) < 0) {
          return;
        }
      }
    }
  }

  Script script_;
  std::vector<int> peers_;
  std::vector<std::thread> threads_;
};

} // namespace fake
