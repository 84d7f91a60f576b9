// What can happen to which call, as control.ts writes it into the shared file.
#pragma once

#include <stdint.h>

enum call {
  SOCKET,
  BIND,
  CONNECT,
  GETSOCKNAME,
  SETSOCKOPT,
  GETSOCKOPT,
  SENDMSG,
  RECVMSG,
  DATAGRAM,
  POLL,
  EVENTFD,
  OPEN,
  READ,
  WRITE,
  SETNS,
  THREAD,
  CALLS
};

enum kind {
  NOTHING,
  // of calls
  ERRNO,
  SWALLOW,
  SHORT,
  DELAY,
  KILL_BEFORE,
  KILL_AFTER,
  SPURIOUS,
  // of datagrams
  DROP,
  OVERRUN,
  TWICE,
  TRUNCATED,
  CUT,
  TORN,
  BAD_SEQUENCE,
  BAD_PORT,
  FORGED,
  OVERRUN_MESSAGE,
  SHORT_MESSAGE,
  LENGTH_ZERO,
  LENGTH_HUGE,
  UNALIGNED,
  GARBAGE,
  EMPTY,
  LATE,
  // of a send: a child without a program of its own, which holds copies of all descriptors for a while
  FORK
};

struct fault {
  int32_t call, nth, times, kind, argument; // times: 0 is for ever
  volatile int32_t injected;
};

struct control {
  volatile int32_t armed;
  volatile int32_t counted[CALLS];
  struct fault fault;
};
