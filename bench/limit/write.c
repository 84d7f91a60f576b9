// Writes: many messages per datagram, or one after the other.
#include "phases.h"

#include <linux/ip_vs.h>
#include <stdlib.h>

// Composes message `index` of a phase.
typedef size_t (*Compose)(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t index);

static size_t composeAdd(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t index) {
  const size_t service = index / (table->destinations + 1);
  const size_t part = index % (table->destinations + 1);
  return part == 0 ? addService(channel, buffer, table, service)
                   : putDestination(channel, buffer, table, IPVS_CMD_NEW_DEST, service, part - 1, 1);
}

static size_t composeUpdate(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t index) {
  return putDestination(channel, buffer, table, IPVS_CMD_SET_DEST, index / table->destinations,
                        index % table->destinations, 2);
}

static size_t composeRemoveDestination(struct Channel* channel, struct Buffer* buffer, const struct Table* table,
                                       size_t index) {
  return removeDestination(channel, buffer, table, index / table->destinations, index % table->destinations);
}

// Composes all messages beforehand, so that only the kernel's part is measured.
static double inDatagrams(size_t perDatagram, const struct Table* table, size_t count, Compose compose) {
  struct Channel channel = openChannel();
  struct Buffer buffer = {0};
  const size_t datagrams = (count + perDatagram - 1) / perDatagram;
  struct Datagram {
    size_t end;
    uint32_t last; // sequence number of its last message
  }* plan = calloc(datagrams, sizeof *plan);
  if (plan == NULL) {
    fail("memory");
  }
  for (size_t i = 0; i < count; ++i) {
    const size_t start = compose(&channel, &buffer, table, i);
    if ((i + 1) % perDatagram == 0 || i + 1 == count) {
      addFlags(&buffer, start, NLM_F_ACK);
      plan[i / perDatagram] = (struct Datagram){buffer.size, channel.sequence - 1};
    }
  }
  const double begin = now();
  size_t sent = 0;
  for (size_t i = 0; i < datagrams; ++i) {
    sendAll(&channel, buffer.bytes + sent, plan[i].end - sent);
    awaitAck(&channel, plan[i].last);
    sent = plan[i].end;
  }
  const double seconds = now() - begin;
  free(plan);
  free(buffer.bytes);
  return seconds;
}

static void request(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t index,
                    Compose compose) {
  buffer->size = 0;
  const size_t start = compose(channel, buffer, table, index);
  addFlags(buffer, start, NLM_F_ACK);
  sendAll(channel, buffer->bytes, buffer->size);
  awaitAck(channel, channel->sequence - 1);
}

static double oneByOne(const struct Table* table, size_t count, Compose compose) {
  struct Channel channel = openChannel();
  struct Buffer buffer = {0};
  const double begin = now();
  for (size_t i = 0; i < count; ++i) {
    request(&channel, &buffer, table, i, compose);
  }
  const double seconds = now() - begin;
  free(buffer.bytes);
  return seconds;
}

static double write(struct Way way, const struct Table* table, size_t count, Compose compose) {
  return way.perDatagram == 0 ? oneByOne(table, count, compose) : inDatagrams(way.perDatagram, table, count, compose);
}

double addTable(struct Way way, const struct Table* table) {
  return write(way, table, table->services * (table->destinations + 1), composeAdd);
}

double updateDestinations(struct Way way, const struct Table* table) {
  return write(way, table, table->services * table->destinations, composeUpdate);
}

double removeDestinations(struct Way way, const struct Table* table) {
  return write(way, table, table->services * table->destinations, composeRemoveDestination);
}

double removeServices(struct Way way, const struct Table* table) {
  return write(way, table, table->services, removeService);
}

static int ascending(const void* left, const void* right) {
  const double a = *(const double*)left;
  const double b = *(const double*)right;
  return (a > b) - (a < b);
}

double singleRequest(const struct Table* table) {
  enum { rounds = 100 };
  double seconds[2 * rounds];
  struct Channel channel = openChannel();
  struct Buffer buffer = {0};
  for (size_t i = 0; i < 2 * rounds; ++i) {
    const double begin = now();
    request(&channel, &buffer, table, 0, i % 2 == 0 ? addService : removeService);
    seconds[i] = now() - begin;
  }
  free(buffer.bytes);
  qsort(seconds, 2 * rounds, sizeof *seconds, ascending);
  return seconds[rounds];
}
