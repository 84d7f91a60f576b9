// What the kernel holds, read without anything of the product: services and destinations in the words of ipvsadm-save,
// and every set, element, chain and rule of the table inet ipvs.
//   reader NETNS   answers each line of input with its lines and one that is a dot; "send N ADDRESS PORT" sends UDP
//                  datagrams from N ports first
#define _GNU_SOURCE
#include "messages.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAME = 64 };

// ---- IPVS

struct service {
  char key[128], settings[128];
  char identity[128]; // attributes
  size_t identitySize;
};

static void takeFamily(const void* body, size_t size, void* to) {
  *(uint16_t*)to = (uint16_t)number(split(body, size).of[CTRL_ATTR_FAMILY_ID]);
}

static uint16_t ipvsFamily(void) {
  uint16_t family = 0;
  struct request request;
  const struct genlmsghdr head = {CTRL_CMD_GETFAMILY, 1, 0};
  begin(&request, GENL_ID_CTRL, 0, &head, sizeof head);
  put(&request, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME, sizeof IPVS_GENL_NAME);
  ask(NETLINK_GENERIC, &request, sizeof head, takeFamily, &family);
  return family;
}

static void endpoint(char* to, size_t size, int family, const struct nlattr* address, const struct nlattr* port) {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family, data(address), text, sizeof text);
  snprintf(to, size, family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, ntohs((uint16_t)number(port)));
}

static struct service services[16384];
static size_t serviceCount;

static void takeService(const void* body, size_t size, void* unused) {
  (void)unused;
  const struct attributes found = inside(split(body, size).of[IPVS_CMD_ATTR_SERVICE]);
  const struct nlattr* const* of = found.of;
  if (serviceCount == 16384)
    fail("too many services");
  struct service* service = &services[serviceCount++];
  struct request identity = {.header = {.nlmsg_len = sizeof identity.header}};
  static const int names[] = {IPVS_SVC_ATTR_AF, IPVS_SVC_ATTR_PROTOCOL, IPVS_SVC_ATTR_ADDR, IPVS_SVC_ATTR_PORT,
                              IPVS_SVC_ATTR_FWMARK};
  for (size_t i = 0; i < 5; i++) {
    if (of[names[i]] != NULL)
      put(&identity, (uint16_t)names[i], data(of[names[i]]), sizeOf(of[names[i]]));
  }
  service->identitySize = identity.header.nlmsg_len - sizeof identity.header;
  memcpy(service->identity, identity.body, service->identitySize);
  if (of[IPVS_SVC_ATTR_FWMARK] != NULL) {
    snprintf(service->key, sizeof service->key, "-f %u", number(of[IPVS_SVC_ATTR_FWMARK]));
  } else {
    memcpy(service->key, number(of[IPVS_SVC_ATTR_PROTOCOL]) == IPPROTO_UDP ? "-u " : "-t ", 3);
    endpoint(service->key + 3, sizeof service->key - 3, (int)number(of[IPVS_SVC_ATTR_AF]), of[IPVS_SVC_ATTR_ADDR],
             of[IPVS_SVC_ATTR_PORT]);
  }
  const uint32_t* flags = data(of[IPVS_SVC_ATTR_FLAGS]);
  char persistence[32] = "";
  if ((flags[0] & IP_VS_SVC_F_PERSISTENT) != 0)
    snprintf(persistence, 32, " -p %u", number(of[IPVS_SVC_ATTR_TIMEOUT]));
  snprintf(service->settings, sizeof service->settings, "-s %s%s", (const char*)data(of[IPVS_SVC_ATTR_SCHED_NAME]),
           persistence);
}

static void takeDestination(const void* body, size_t size, void* to) {
  const struct service* service = to;
  static const char ways[] = "mlidb"; // masquerade, local, tunnel, direct, bypass
  const struct attributes found = inside(split(body, size).of[IPVS_CMD_ATTR_DEST]);
  const struct nlattr* const* of = found.of;
  char at[80], limits[48] = "";
  const uint32_t way = number(of[IPVS_DEST_ATTR_FWD_METHOD]) & 7;
  const uint32_t upper = number(of[IPVS_DEST_ATTR_U_THRESH]), lower = number(of[IPVS_DEST_ATTR_L_THRESH]);
  if (upper != 0)
    snprintf(limits, sizeof limits, " -x %u", upper);
  if (lower != 0)
    snprintf(limits + strlen(limits), sizeof limits - strlen(limits), " -y %u", lower);
  const int family = of[IPVS_DEST_ATTR_ADDR_FAMILY] == NULL ? AF_INET : (int)number(of[IPVS_DEST_ATTR_ADDR_FAMILY]);
  endpoint(at, sizeof at, family, of[IPVS_DEST_ATTR_ADDR], of[IPVS_DEST_ATTR_PORT]);
  const char letter = way == 3 ? 'g' : ways[way];
  printf("-a %s -r %s -%c -w %u%s\n", service->key, at, letter, number(of[IPVS_DEST_ATTR_WEIGHT]), limits);
}

static void readIpvs(uint16_t family) {
  struct request request;
  struct genlmsghdr head = {IPVS_CMD_GET_SERVICE, 1, 0};
  serviceCount = 0;
  begin(&request, family, NLM_F_DUMP, &head, sizeof head);
  ask(NETLINK_GENERIC, &request, sizeof head, takeService, NULL);
  head.cmd = IPVS_CMD_GET_DEST;
  for (size_t i = 0; i < serviceCount; i++) {
    printf("-A %s %s\n", services[i].key, services[i].settings);
    begin(&request, family, NLM_F_DUMP, &head, sizeof head);
    put(&request, IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED, services[i].identity, services[i].identitySize);
    ask(NETLINK_GENERIC, &request, sizeof head, takeDestination, &services[i]);
  }
}

// ---- nf_tables

static char sets[64][NAME];
static size_t setCount;

static void hex(const struct nlattr* attribute) {
  const unsigned char* bytes = data(attribute);
  for (size_t i = 0; i < sizeOf(attribute); i++)
    printf("%02x", bytes[i]);
}

static void takeSet(const void* body, size_t size, void* unused) {
  (void)unused;
  if (setCount == 64)
    fail("too many sets");
  snprintf(sets[setCount++], NAME, "%s", (const char*)data(split(body, size).of[NFTA_SET_NAME]));
}

static void value(const char* before, const struct nlattr* attribute) {
  if (attribute == NULL)
    return;
  printf("%s", before);
  hex(inside(attribute).of[NFTA_DATA_VALUE]);
}

static void takeElements(const void* body, size_t size, void* to) {
  const struct nlattr* list = split(body, size).of[NFTA_SET_ELEM_LIST_ELEMENTS];
  const char* at = data(list);
  for (size_t left = sizeOf(list); left >= sizeof(struct nlattr);) {
    const struct nlattr* element = (const void*)at;
    const struct attributes found = inside(element);
    printf("element %s", (const char*)to);
    value(" ", found.of[NFTA_SET_ELEM_KEY]);
    value("-", found.of[NFTA_SET_ELEM_KEY_END]);
    value(" ", found.of[NFTA_SET_ELEM_DATA]);
    printf("\n");
    const size_t step = NLA_ALIGN(element->nla_len);
    if (step >= left)
      break;
    at += step;
    left -= step;
  }
}

static void takeRule(const void* body, size_t size, void* unused) {
  (void)unused;
  const struct attributes found = split(body, size);
  printf("rule %s ", (const char*)data(found.of[NFTA_RULE_CHAIN]));
  if (found.of[NFTA_RULE_EXPRESSIONS] != NULL)
    hex(found.of[NFTA_RULE_EXPRESSIONS]);
  const struct nlattr* comment = found.of[NFTA_RULE_USERDATA];
  const char* text = comment == NULL ? NULL : data(comment);
  if (comment != NULL && sizeOf(comment) > 2 && text[0] == 0)
    printf(" \"%s\"", text + 2);
  printf("\n");
}

static void askTables(uint16_t message, const char* set, Take* take, void* to) {
  struct request request;
  const struct nfgenmsg head = {NFPROTO_INET, NFNETLINK_V0, 0};
  begin(&request, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), NLM_F_DUMP, &head, sizeof head);
  put(&request, 1, "ipvs", 5); // the table is attribute 1 of all of them
  if (set != NULL)
    put(&request, NFTA_SET_ELEM_LIST_SET, set, strlen(set) + 1);
  ask(NETLINK_NETFILTER, &request, sizeof head, take, to);
}

static void readTables(void) {
  setCount = 0;
  askTables(NFT_MSG_GETSET, NULL, takeSet, NULL);
  for (size_t i = 0; i < setCount; i++) {
    printf("set %s\n", sets[i]);
    askTables(NFT_MSG_GETSETELEM, sets[i], takeElements, sets[i]);
  }
  askTables(NFT_MSG_GETRULE, NULL, takeRule, NULL);
}

static void sendDatagrams(const char* line) {
  unsigned count = 0, port = 0;
  char address[64];
  struct sockaddr_in to = {.sin_family = AF_INET};
  if (sscanf(line, "send %u %63s %u", &count, address, &port) != 3)
    return;
  to.sin_port = htons((uint16_t)port);
  inet_pton(AF_INET, address, &to.sin_addr);
  for (unsigned i = 0; i < count; i++) {
    const struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(20000 + i))};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (const void*)&from, sizeof from) != 0)
      fail("bind");
    if (sendto(fd, "x", 1, 0, (const void*)&to, sizeof to) < 0)
      fail("sendto");
    close(fd);
  }
}

int main(int count, char** arguments) {
  const int fd = count == 2 ? open(arguments[1], O_RDONLY) : -1;
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
    fail("usage: reader NETNS");
  const uint16_t family = ipvsFamily();
  char line[128];
  while (fgets(line, sizeof line, stdin) != NULL) {
    sendDatagrams(line);
    if (family != 0) readIpvs(family); // a kernel without IPVS can have marks
    readTables();
    printf(".\n");
    fflush(stdout);
  }
  return 0;
}
