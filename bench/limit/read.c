// Reads services with long receives, destinations on a separate socket with short ones.
#include "phases.h"

#include <errno.h>
#include <stdlib.h>

static double readServices(struct Channel* channel, const struct Table* table) {
  struct Buffer buffer = {0};
  dumpServices(channel, &buffer);
  const double begin = now();
  sendAll(channel, buffer.bytes, buffer.size);
  const size_t count = receiveDump(channel, longReceive);
  const double seconds = now() - begin;
  free(buffer.bytes);
  if (count != table->services) {
    refused("the number of services is wrong", ENOTRECOVERABLE);
  }
  return seconds;
}

double listServices(const struct Table* table) {
  struct Channel channel = openChannel();
  return readServices(&channel, table);
}

double snapshot(const struct Table* table) {
  struct Channel services = openChannel();
  struct Channel destinations = openChannel();
  struct Buffer buffer = {0};
  size_t* ends = calloc(table->services + 1, sizeof *ends);
  if (ends == NULL) {
    fail("memory");
  }
  for (size_t i = 0; i < table->services; ++i) {
    dumpDestinations(&destinations, &buffer, table, i);
    ends[i + 1] = buffer.size;
  }
  double seconds = readServices(&services, table);
  const double begin = now();
  size_t count = 0;
  for (size_t i = 0; i < table->services; ++i) {
    sendAll(&destinations, buffer.bytes + ends[i], ends[i + 1] - ends[i]);
    count += receiveDump(&destinations, shortReceive);
  }
  seconds += now() - begin;
  if (count != table->services * table->destinations) {
    refused("the number of destinations is wrong", ENOTRECOVERABLE);
  }
  free(ends);
  free(buffer.bytes);
  return seconds;
}
