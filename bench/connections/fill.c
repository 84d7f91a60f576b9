#define _GNU_SOURCE
/* Creates real connections: UDP packets from many sources to a virtual service, through a raw socket.
 *   fill VIRTUAL-ADDRESS PORT COUNT
 * Source addresses start at 11.0.0.0, ports at 1024: a different client per connection. */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64 };

struct packet {
  struct iphdr ip;
  struct udphdr udp;
};

int main(int count, char** arguments) {
  if (count != 4) {
    fprintf(stderr, "fill VIRTUAL-ADDRESS PORT COUNT\n");
    return 2;
  }
  const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(arguments[1])};
  const unsigned long wanted = strtoul(arguments[3], NULL, 10);
  static struct packet packets[BATCH];
  static struct iovec parts[BATCH];
  static struct mmsghdr messages[BATCH];
  for (unsigned long sent = 0; sent < wanted;) {
    int batch = 0;
    for (; batch < BATCH && sent + (unsigned long)batch < wanted; ++batch) {
      const unsigned long number = sent + (unsigned long)batch;
      struct packet* packet = &packets[batch];
      memset(packet, 0, sizeof *packet);
      packet->ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
      packet->ip.tot_len = htons(sizeof *packet);
      packet->ip.saddr = htonl((uint32_t)(0x0b000001 + number));
      packet->ip.daddr = to.sin_addr.s_addr;
      packet->udp =
          (struct udphdr){.source = htons((uint16_t)(1024 + number % 60000)), .len = htons(sizeof packet->udp)};
      packet->udp.dest = htons((uint16_t)atoi(arguments[2]));
      parts[batch] = (struct iovec){packet, sizeof *packet};
      messages[batch].msg_hdr =
          (struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &parts[batch], .msg_iovlen = 1};
    }
    const int done = sendmmsg(fd, messages, (unsigned)batch, 0);
    if (done < 0) {
      perror("fill: sendmmsg");
      return 1;
    }
    sent += (unsigned long)done;
  }
  return 0;
}
