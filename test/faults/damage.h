// How a datagram can be damaged on its way, for shim.c.
#pragma once

#include "commands.h"

#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static void nap(int milliseconds) {
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  while (nanosleep(&left, &left) != 0) {
  }
}

static void mutate(const struct fault* fault, struct msghdr* message, ssize_t* size) {
  struct nlmsghdr* header = message->msg_iov->iov_base;
  switch (fault->kind) {
  case TRUNCATED:
    message->msg_flags |= MSG_TRUNC;
    *size = *size > 20 ? 20 : *size;
    break;
  case CUT: // in the middle of its last message, without a notice
    *size -= 4;
    break;
  case TORN:
    header->nlmsg_flags |= NLM_F_DUMP_INTR;
    break;
  case BAD_SEQUENCE:
    header->nlmsg_seq += 77777;
    break;
  case BAD_PORT:
    header->nlmsg_pid += 1;
    break;
  case FORGED:
    if (message->msg_name != NULL)
      ((struct sockaddr_nl*)message->msg_name)->nl_pid = 4711;
    break;
  case OVERRUN_MESSAGE:
    header->nlmsg_type = NLMSG_OVERRUN;
    break;
  case SHORT_MESSAGE:
    header->nlmsg_len = 18;
    *size = 18;
    break;
  case LENGTH_ZERO:
    header->nlmsg_len = 0;
    break;
  case LENGTH_HUGE:
    header->nlmsg_len = 0xffffffff;
    break;
  case UNALIGNED:
    header->nlmsg_len = *size > 17 ? (uint32_t)*size + 1 : 17;
    break;
  case GARBAGE:
    memset(header, 0xa5, (size_t)*size);
    break;
  case EMPTY:
    *size = 0;
    break;
  case LATE:
    nap(fault->argument);
    break;
  default:
    break;
  }
}
