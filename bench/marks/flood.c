// Sends packets to the rules of a network namespace and measures the time per packet.
//   flood
// reads commands, one per line, and prints a line for each:
//   run STREAM N MS        {"ns":312.5,"packets":65536}: the lower quartile of slices of a millisecond
//   send STREAM N COUNT    {"packets":256}; with COUNT 0 no devices are needed
// STREAM: `spread`, all N rules in mixed order; `last`, the last rule; `miss`, packets without a rule. The rules are in
// rules.ts.
//
// Packets leave through a packet socket on "out" and arrive at "in", the other end of a veth pair, on the same CPU,
// before sendmmsg() returns: so the sender's time is the packet's time. Packets end in a chain that drops all. Other
// load takes the CPU away for some milliseconds: the lower quartile of short slices excludes it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RING = 65536, BATCH = 32, FRAME = 60, SLICES = 4096, SLICE_US = 1000 };

static const uint32_t first_address = 0x0a400000; // 10.64.0.0
static const uint32_t no_rule = 0x0a300000;       // 10.48.0.0

static unsigned char ring[RING][FRAME];
static unsigned next_packet;
static int socket_fd = -1;

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static uint16_t checksum(const void* data, size_t bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes; i += 2) {
    uint16_t word;
    memcpy(&word, (const char*)data + i, 2);
    sum += word;
  }
  sum = (sum >> 16) + (sum & 0xffff);
  return (uint16_t)~(sum + (sum >> 16));
}

// Makes a packet for rule `index`, without checksums of TCP and UDP: no socket receives it.
static void make_packet(unsigned char* frame, uint32_t address, unsigned index) {
  static const struct ether_header link = {
      .ether_dhost = {2, 0, 0, 0, 0, 2}, .ether_shost = {2, 0, 0, 0, 0, 1}, .ether_type = 0x0008};
  struct iphdr ip = {.version = 4,
                     .ihl = 5,
                     .ttl = 64,
                     .tot_len = htons(FRAME - sizeof link),
                     .protocol = index % 2 == 0 ? IPPROTO_TCP : IPPROTO_UDP,
                     .saddr = htonl(0x0a000002),
                     .daddr = htonl(address)};
  ip.check = checksum(&ip, sizeof ip);
  struct udphdr ports = {.source = htons(20000), .dest = htons((uint16_t)(80 + 2 * (index % 10))), .len = htons(26)};
  memset(frame, 0, FRAME);
  memcpy(frame, &link, sizeof link);
  memcpy(frame + sizeof link, &ip, sizeof ip);
  memcpy(frame + sizeof link + sizeof ip, &ports, sizeof ports);
  if (ip.protocol == IPPROTO_TCP) {
    frame[sizeof link + sizeof ip + 12] = 5 << 4; // length of its header
  }
}

static void fill(const char* stream, unsigned n) {
  for (unsigned i = 0; i < RING; i++) {
    // The odd factor gives a permutation of the ring: each rule equally often, in mixed order.
    const uint32_t order = (i * 40503u) % RING;
    const unsigned index = strcmp(stream, "last") == 0 ? n - 1 : order % n;
    make_packet(ring[i], (strcmp(stream, "miss") == 0 ? no_rule : first_address) + index / 10, index);
  }
  next_packet = 0;
}

static void open_socket(void) {
  const struct sockaddr_ll place = {
      .sll_family = AF_PACKET, .sll_protocol = 0, .sll_ifindex = (int)if_nametoindex("out")};
  const int yes = 1;
  socket_fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (socket_fd < 0 || bind(socket_fd, (const struct sockaddr*)&place, sizeof place) < 0) {
    fail("packet socket on out");
  }
  if (setsockopt(socket_fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes) < 0) {
    fail("PACKET_QDISC_BYPASS");
  }
}

static unsigned long received(void) {
  char line[512];
  unsigned long count = 0;
  FILE* file = fopen("/proc/self/net/snmp", "r");
  if (file == NULL) {
    fail("/proc/self/net/snmp");
  }
  while (fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "Ip: %*d %*d %lu", &count) == 1) {
      break;
    }
  }
  fclose(file);
  return count;
}

static void send_packets(unsigned count) {
  struct mmsghdr messages[BATCH] = {0};
  struct iovec frames[BATCH];
  while (count > 0) {
    const unsigned batch = count < BATCH ? count : BATCH;
    for (unsigned i = 0; i < batch; i++) {
      frames[i] = (struct iovec){ring[(next_packet + i) % RING], FRAME};
      messages[i].msg_hdr.msg_iov = &frames[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int sent = sendmmsg(socket_fd, messages, batch, 0);
    if (sent <= 0) {
      fail("sendmmsg");
    }
    next_packet += (unsigned)sent;
    count -= (unsigned)sent;
  }
}

static int by_size(const void* left, const void* right) {
  const double difference = *(const double*)left - *(const double*)right;
  return (difference > 0) - (difference < 0);
}

// Returns the number of packets of a slice.
static unsigned slice_size(void) {
  for (unsigned count = 1;; count *= 2) {
    const double start = now_us();
    send_packets(count);
    if (now_us() - start >= SLICE_US || count >= RING) {
      return count;
    }
  }
}

static void run(unsigned ms) {
  static double costs[SLICES];
  const unsigned size = slice_size();
  const unsigned long before = received();
  const double end = now_us() + ms * 1e3;
  unsigned slices = 0;
  do {
    const double start = now_us();
    send_packets(size);
    costs[slices++] = (now_us() - start) * 1e3 / size;
  } while (slices < SLICES && now_us() < end);
  const unsigned long sent = (unsigned long)slices * size;
  const unsigned long arrived = received() - before;
  if (arrived != sent) {
    fprintf(stderr, "%lu of %lu packets arrived\n", arrived, sent);
    exit(1);
  }
  qsort(costs, pauses, sizeof *costs, by_size);
  printf("{\"ns\":%.1f,\"packets\":%lu}\n", costs[slices / 4], sent);
}

int main(void) {
  char line[128];
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin) != NULL) {
    char command[8];
    char stream[8];
    unsigned n;
    unsigned amount;
    if (sscanf(line, "%7s %7s %u %u", command, stream, &n, &amount) != 4 || n == 0) {
      fprintf(stderr, "flood: %s", line);
      return 1;
    }
    if (socket_fd < 0 && amount > 0) {
      open_socket();
    }
    fill(stream, n);
    if (strcmp(command, "run") == 0) {
      run(amount);
    } else {
      send_packets(amount);
      printf("{\"packets\":%u}\n", amount);
    }
  }
  return 0;
}
