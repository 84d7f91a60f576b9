#include "table.h"

#include <arpa/inet.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <string.h>

static void number16(struct Buffer* buffer, uint16_t type, uint16_t value) {
  attribute(buffer, type, &value, sizeof value);
}

static void number32(struct Buffer* buffer, uint16_t type, uint32_t value) {
  attribute(buffer, type, &value, sizeof value);
}

// Writes the address `first` + `index`.
static void address(struct Buffer* buffer, uint16_t type, uint32_t first, size_t index) {
  const uint32_t bytes[4] = {htonl(first + (uint32_t)index)};
  attribute(buffer, type, bytes, sizeof bytes);
}

static void serviceKey(struct Buffer* buffer, const struct Table* table, size_t service) {
  number16(buffer, IPVS_SVC_ATTR_AF, AF_INET);
  if (table->marks) {
    number32(buffer, IPVS_SVC_ATTR_FWMARK, (uint32_t)service + 1);
    return;
  }
  number16(buffer, IPVS_SVC_ATTR_PROTOCOL, IPPROTO_TCP);
  address(buffer, IPVS_SVC_ATTR_ADDR, 0x0a400000 /* 10.64.0.0 */, service / 10);
  number16(buffer, IPVS_SVC_ATTR_PORT, htons((uint16_t)(80 + service % 10)));
}

static void keyOnly(struct Buffer* buffer, const struct Table* table, size_t service) {
  const size_t nest = beginNest(buffer, IPVS_CMD_ATTR_SERVICE);
  serviceKey(buffer, table, service);
  endNest(buffer, nest);
}

size_t addService(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t service) {
  const struct ip_vs_flags flags = {.flags = 0, .mask = ~0U};
  const size_t start = beginMessage(channel, buffer, IPVS_CMD_NEW_SERVICE, 0);
  const size_t nest = beginNest(buffer, IPVS_CMD_ATTR_SERVICE);
  serviceKey(buffer, table, service);
  attribute(buffer, IPVS_SVC_ATTR_SCHED_NAME, table->scheduler, strlen(table->scheduler) + 1);
  attribute(buffer, IPVS_SVC_ATTR_FLAGS, &flags, sizeof flags);
  number32(buffer, IPVS_SVC_ATTR_TIMEOUT, 0);
  number32(buffer, IPVS_SVC_ATTR_NETMASK, ~0U);
  endNest(buffer, nest);
  endMessage(buffer, start);
  return start;
}

size_t removeService(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t service) {
  const size_t start = beginMessage(channel, buffer, IPVS_CMD_DEL_SERVICE, 0);
  keyOnly(buffer, table, service);
  endMessage(buffer, start);
  return start;
}

size_t dumpServices(struct Channel* channel, struct Buffer* buffer) {
  const size_t start = beginMessage(channel, buffer, IPVS_CMD_GET_SERVICE, NLM_F_DUMP);
  endMessage(buffer, start);
  return start;
}

static void destinationKey(struct Buffer* buffer, const struct Table* table, size_t service, size_t destination) {
  number16(buffer, IPVS_DEST_ATTR_ADDR_FAMILY, AF_INET);
  address(buffer, IPVS_DEST_ATTR_ADDR, 0x0a800000 /* 10.128.0.0 */, service * table->destinations + destination);
  number16(buffer, IPVS_DEST_ATTR_PORT, htons(8080));
}

size_t putDestination(struct Channel* channel, struct Buffer* buffer, const struct Table* table, uint8_t command,
                      size_t service, size_t destination, uint32_t weight) {
  const size_t start = beginMessage(channel, buffer, command, 0);
  keyOnly(buffer, table, service);
  const size_t nest = beginNest(buffer, IPVS_CMD_ATTR_DEST);
  destinationKey(buffer, table, service, destination);
  number32(buffer, IPVS_DEST_ATTR_FWD_METHOD, IP_VS_CONN_F_MASQ);
  number32(buffer, IPVS_DEST_ATTR_WEIGHT, weight);
  number32(buffer, IPVS_DEST_ATTR_U_THRESH, 0);
  number32(buffer, IPVS_DEST_ATTR_L_THRESH, 0);
  endNest(buffer, nest);
  endMessage(buffer, start);
  return start;
}

size_t removeDestination(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t service,
                         size_t destination) {
  const size_t start = beginMessage(channel, buffer, IPVS_CMD_DEL_DEST, 0);
  keyOnly(buffer, table, service);
  const size_t nest = beginNest(buffer, IPVS_CMD_ATTR_DEST);
  destinationKey(buffer, table, service, destination);
  endNest(buffer, nest);
  endMessage(buffer, start);
  return start;
}

size_t dumpDestinations(struct Channel* channel, struct Buffer* buffer, const struct Table* table, size_t service) {
  const size_t start = beginMessage(channel, buffer, IPVS_CMD_GET_DEST, NLM_F_DUMP);
  keyOnly(buffer, table, service);
  endMessage(buffer, start);
  return start;
}
