#include "netlink.h"

#include <errno.h>
#include <linux/ip_vs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static size_t align4(size_t size) { return (size + 3) & ~(size_t)3; }

void refused(const char* what, int error) {
  fprintf(stderr, "limit: %s: %s\n", what, strerror(error));
  exit(1);
}

void fail(const char* what) { refused(what, errno); }

double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void append(struct Buffer* buffer, const void* data, size_t size) {
  const size_t end = align4(buffer->size + size);
  if (end > buffer->capacity) {
    buffer->capacity = end * 2;
    buffer->bytes = realloc(buffer->bytes, buffer->capacity);
    if (buffer->bytes == NULL) {
      fail("memory");
    }
  }
  memcpy(buffer->bytes + buffer->size, data, size);
  memset(buffer->bytes + buffer->size + size, 0, end - buffer->size - size);
  buffer->size = end;
}

void attribute(struct Buffer* buffer, uint16_t type, const void* data, size_t size) {
  const struct nlattr header = {(uint16_t)(sizeof header + size), type};
  append(buffer, &header, sizeof header);
  append(buffer, data, size);
}

size_t beginNest(struct Buffer* buffer, uint16_t type) {
  const size_t start = buffer->size;
  attribute(buffer, type | NLA_F_NESTED, NULL, 0);
  return start;
}

void endNest(struct Buffer* buffer, size_t start) {
  const uint16_t length = (uint16_t)(buffer->size - start);
  memcpy(buffer->bytes + start + offsetof(struct nlattr, nla_len), &length, sizeof length);
}

static size_t beginTyped(struct Channel* channel, struct Buffer* buffer, uint16_t type, uint8_t command,
                         uint16_t flags) {
  const size_t start = buffer->size;
  const struct nlmsghdr header = {
      .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = channel->sequence++};
  const struct genlmsghdr generic = {.cmd = command, .version = 1};
  append(buffer, &header, sizeof header);
  append(buffer, &generic, sizeof generic);
  return start;
}

size_t beginMessage(struct Channel* channel, struct Buffer* buffer, uint8_t command, uint16_t flags) {
  return beginTyped(channel, buffer, channel->family, command, flags);
}

void endMessage(struct Buffer* buffer, size_t start) {
  const uint32_t length = (uint32_t)(buffer->size - start);
  memcpy(buffer->bytes + start + offsetof(struct nlmsghdr, nlmsg_len), &length, sizeof length);
}

void addFlags(struct Buffer* buffer, size_t start, uint16_t flags) {
  unsigned char* at = buffer->bytes + start + offsetof(struct nlmsghdr, nlmsg_flags);
  uint16_t value;
  memcpy(&value, at, sizeof value);
  value |= flags;
  memcpy(at, &value, sizeof value);
}

void sendAll(const struct Channel* channel, const void* bytes, size_t size) {
  if (send(channel->fd, bytes, size, 0) != (ssize_t)size) {
    fail("send");
  }
}

// An error message: 0 acknowledges.
static int errorOf(const struct nlmsghdr* header) {
  const struct nlmsgerr* body = NLMSG_DATA(header);
  return -body->error;
}

static ssize_t receive(const struct Channel* channel, void* bytes, size_t size) {
  const ssize_t length = recv(channel->fd, bytes, size, MSG_TRUNC);
  if (length < 0) {
    fail("recv");
  }
  if ((size_t)length > size) {
    refused("a datagram was cut off", EMSGSIZE);
  }
  return length;
}

void awaitAck(const struct Channel* channel, uint32_t sequence) {
  static _Alignas(struct nlmsghdr) unsigned char bytes[longReceive];
  for (;;) {
    ssize_t left = receive(channel, bytes, sizeof bytes);
    for (struct nlmsghdr* header = (struct nlmsghdr*)bytes; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type != NLMSG_ERROR) {
        continue;
      }
      if (errorOf(header) != 0) {
        refused("the kernel refused a message", errorOf(header));
      }
      if (header->nlmsg_seq == sequence) {
        return;
      }
    }
  }
}

size_t receiveDump(const struct Channel* channel, size_t receiveSize) {
  static _Alignas(struct nlmsghdr) unsigned char bytes[longReceive];
  size_t count = 0;
  for (;;) {
    ssize_t left = receive(channel, bytes, receiveSize);
    for (struct nlmsghdr* header = (struct nlmsghdr*)bytes; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) {
        return count;
      }
      if (header->nlmsg_type == NLMSG_ERROR) {
        refused("the kernel refused a dump", errorOf(header));
      }
      ++count;
    }
  }
}

static uint16_t findFamily(struct Channel* channel) {
  struct Buffer buffer = {0};
  const size_t start = beginTyped(channel, &buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
  attribute(&buffer, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME, sizeof IPVS_GENL_NAME);
  endMessage(&buffer, start);
  sendAll(channel, buffer.bytes, buffer.size);
  free(buffer.bytes);
  static _Alignas(struct nlmsghdr) unsigned char bytes[shortReceive];
  const ssize_t length = receive(channel, bytes, sizeof bytes);
  const struct nlmsghdr* header = (struct nlmsghdr*)bytes;
  if (header->nlmsg_type == NLMSG_ERROR) {
    refused("no IPVS in this kernel", errorOf(header));
  }
  for (ssize_t at = NLMSG_HDRLEN + GENL_HDRLEN; at < length;) {
    const struct nlattr* found = (const struct nlattr*)(bytes + at);
    if (found->nla_type == CTRL_ATTR_FAMILY_ID) {
      uint16_t id;
      memcpy(&id, found + 1, sizeof id);
      return id;
    }
    at += (ssize_t)align4(found->nla_len);
  }
  refused("the family has no number", EPROTO);
}

struct Channel openChannel(void) {
  struct Channel channel = {.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), .sequence = 1};
  const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  const int size = 4 << 20; // must hold a whole datagram
  const int on = 1;
  if (channel.fd < 0 || connect(channel.fd, (const struct sockaddr*)&kernel, sizeof kernel) != 0 ||
      setsockopt(channel.fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0 ||
      // An error repeats only the header of its request.
      setsockopt(channel.fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on) != 0) {
    fail("netlink socket");
  }
  channel.family = findFamily(&channel);
  return channel;
}
