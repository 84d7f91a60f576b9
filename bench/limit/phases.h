// The measured phases. Each returns its seconds.
#pragma once

#include "table.h"

// Messages per datagram; 0: one request, one acknowledgement, like libraries that wait for each reply.
struct Way {
  size_t perDatagram;
};

double addTable(struct Way way, const struct Table* table);           // services, each followed by its destinations
double updateDestinations(struct Way way, const struct Table* table); // new weights
double removeDestinations(struct Way way, const struct Table* table);
double removeServices(struct Way way, const struct Table* table);

double listServices(const struct Table* table);
double snapshot(const struct Table* table);

// The median of many single requests: add a service, remove it.
double singleRequest(const struct Table* table);
