// Requests to netlink and the attributes of answers, for reader.c.
#pragma once

#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SPACE = 1 << 16 };

static void fail(const char* what) {
  fprintf(stderr, "reader: %s: %s\n", what, strerror(errno));
  exit(1);
}

struct request {
  struct nlmsghdr header;
  char body[512];
};

static void* put(struct request* request, uint16_t type, const void* value, size_t size) {
  char* at = (char*)request + NLMSG_ALIGN(request->header.nlmsg_len);
  const struct nlattr attribute = {(uint16_t)(sizeof attribute + size), type};
  memcpy(at, &attribute, sizeof attribute);
  if (size != 0)
    memcpy(at + sizeof attribute, value, size);
  request->header.nlmsg_len = (uint32_t)(at - (char*)request + NLMSG_ALIGN(sizeof attribute + size));
  return at;
}

static void begin(struct request* request, uint16_t type, uint16_t flags, const void* family, size_t size) {
  memset(request, 0, sizeof *request);
  request->header.nlmsg_type = type;
  request->header.nlmsg_flags = NLM_F_REQUEST | flags;
  request->header.nlmsg_len = (uint32_t)(sizeof request->header + size);
  memcpy(request->body, family, size);
}

struct attributes {
  const struct nlattr* of[64];
};

static struct attributes split(const void* from, size_t size) {
  struct attributes found = {{NULL}};
  const char* at = from;
  while (size >= sizeof(struct nlattr)) {
    const struct nlattr* attribute = (const struct nlattr*)at;
    const uint16_t type = attribute->nla_type & NLA_TYPE_MASK;
    if (attribute->nla_len < sizeof *attribute || attribute->nla_len > size)
      fail("attribute");
    if (type < 64)
      found.of[type] = attribute;
    const size_t step = NLA_ALIGN(attribute->nla_len);
    if (step >= size)
      break;
    at += step;
    size -= step;
  }
  return found;
}

static const void* data(const struct nlattr* attribute) { return attribute + 1; }
static size_t sizeOf(const struct nlattr* attribute) { return attribute->nla_len - sizeof *attribute; }
static struct attributes inside(const struct nlattr* a) { return split(data(a), sizeOf(a)); }

static uint32_t number(const struct nlattr* attribute) {
  uint32_t value = 0;
  if (attribute != NULL)
    memcpy(&value, data(attribute), sizeOf(attribute) < 4 ? sizeOf(attribute) : 4);
  return value;
}

typedef void Take(const void* body, size_t size, void* to);

// Sends a request and gives `take` all that answers it.
static void ask(int protocol, struct request* request, size_t family, Take* take, void* to) {
  static char buffer[SPACE];
  static int sockets[32];
  if (sockets[protocol] == 0)
    sockets[protocol] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  const int fd = sockets[protocol];
  if (fd < 0 || send(fd, request, request->header.nlmsg_len, 0) < 0)
    fail("send");
  for (;;) {
    ssize_t size = recv(fd, buffer, sizeof buffer, 0);
    if (size <= 0)
      fail("recv");
    for (struct nlmsghdr* m = (void*)buffer; NLMSG_OK(m, size); m = NLMSG_NEXT(m, size)) {
      if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR) {
        const int error = -*(const int*)NLMSG_DATA(m);
        errno = error;
        if (error != 0 && error != ENOENT)
          fail("answer");
        return;
      }
      take((char*)NLMSG_DATA(m) + family, m->nlmsg_len - NLMSG_HDRLEN - family, to);
      if ((m->nlmsg_flags & NLM_F_MULTI) == 0)
        return;
    }
  }
}
