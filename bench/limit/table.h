// The table of all trials, the same as in ../trials/table.ts.
#pragma once

#include "netlink.h"

#include <stdbool.h>

struct Table {
  bool marks; // else tcp services
  size_t services;
  size_t destinations; // of each service
  const char* scheduler;
};

// Each appends one message and returns its offset.
size_t addService(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t service);
size_t removeService(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t service);
size_t dumpServices(struct Channel* channel, struct Buffer* buffer);

// `command`: IPVS_CMD_NEW_DEST or IPVS_CMD_SET_DEST
size_t putDestination(struct Channel* channel, struct Buffer* buffer, const struct Table* table, uint8_t command,
                      size_t service, size_t destination, uint32_t weight);
size_t removeDestination(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t service,
                         size_t destination);
size_t dumpDestinations(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t service);
