// Measures the limit of the kernel: limit WAY KEYS SERVICES DESTINATIONS SCHEDULER PHASE...
//   WAY    messages in a datagram, or "loop": one request, one acknowledgement
//   KEYS   tcp or mark
//   PHASE  add, update, removeDestinations, remove, list, snapshot, single
// Prints the seconds of each phase as JSON.
#include "phases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double run(const char* phase, struct Way way, const struct Table* table) {
  static const struct {
    const char* name;
    double (*run)(struct Way way, const struct Table* table);
  } writes[] = {{"add", addTable},
                {"update", updateDestinations},
                {"removeDestinations", removeDestinations},
                {"remove", removeServices}};
  static const struct {
    const char* name;
    double (*run)(const struct Table* table);
  } reads[] = {{"list", listServices}, {"snapshot", snapshot}, {"single", singleRequest}};
  for (size_t i = 0; i < sizeof writes / sizeof *writes; ++i) {
    if (strcmp(phase, writes[i].name) == 0) {
      return writes[i].run(way, table);
    }
  }
  for (size_t i = 0; i < sizeof reads / sizeof *reads; ++i) {
    if (strcmp(phase, reads[i].name) == 0) {
      return reads[i].run(table);
    }
  }
  fprintf(stderr, "limit: unknown phase %s\n", phase);
  exit(2);
}

int main(int argc, char** argv) {
  if (argc < 7) {
    fprintf(stderr, "usage: limit WAY KEYS SERVICES DESTINATIONS SCHEDULER PHASE...\n");
    return 2;
  }
  const struct Way way = {strcmp(argv[1], "loop") == 0 ? 0 : strtoul(argv[1], NULL, 10)};
  const struct Table table = {strcmp(argv[2], "mark") == 0, strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10),
                              argv[5]};
  for (int i = 6; i < argc; ++i) {
    printf("%s\"%s\":%.9f", i == 6 ? "{" : ",", argv[i], run(argv[i], way, &table));
  }
  printf("}\n");
  return 0;
}
