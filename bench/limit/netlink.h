// Minimal netlink for the limit program. Every error ends the program, so that no measurement contains errors.
#pragma once

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

// The kernel fills a datagram of a dump up to the size of the largest receive on the socket so far, at most 32 KiB, and
// allocates this size for every reply. So large receives suit one long dump; a page, minus the kernel's own overhead,
// suits many short ones.
enum { longReceive = 32768, shortReceive = 4096 - 320 };

struct Channel {
  int fd;
  uint16_t family;
  uint32_t sequence; // of the next message
};

// Connects to the kernel and finds the number of the family IPVS.
struct Channel openChannel(void);

// Messages under construction, one after the other.
struct Buffer {
  unsigned char* bytes;
  size_t size;
  size_t capacity;
};

void append(struct Buffer* buffer, const void* data, size_t size); // padded to 4
void attribute(struct Buffer* buffer, uint16_t type, const void* data, size_t size);
size_t beginNest(struct Buffer* buffer, uint16_t type);
void endNest(struct Buffer* buffer, size_t start);

// Opens a message and returns its offset; endMessage() writes its length.
size_t beginMessage(struct Channel* channel, struct Buffer* buffer, uint8_t command, uint16_t flags);
void endMessage(struct Buffer* buffer, size_t start);
void addFlags(struct Buffer* buffer, size_t start, uint16_t flags);

void sendAll(const struct Channel* channel, const void* bytes, size_t size);

// Receives until the message `sequence` is acknowledged; an error of any message ends the program.
void awaitAck(const struct Channel* channel, uint32_t sequence);

// Receives a dump, at most `receiveSize` bytes at a time, and returns the number of its messages.
size_t receiveDump(const struct Channel* channel, size_t receiveSize);

double now(void); // seconds on a monotonic clock

_Noreturn void fail(const char* what);
_Noreturn void refused(const char* what, int error);
