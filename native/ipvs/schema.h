// The attribute tables of the IPVS family: a struct (the row) and one line per attribute. Decoder, encoder, error
// location, debug dump and the JavaScript rows are derived from them. Constants are from <linux/ip_vs.h>.
#pragma once

#include "netlink/field_codec.h"

#include <linux/ip_vs.h>

namespace ipvs {

struct Statistics {
  uint32_t present;
  uint64_t connections;
  uint64_t inPackets;
  uint64_t outPackets;
  uint64_t inBytes;
  uint64_t outBytes;
  uint64_t connectionsPerSecond;
  uint64_t inPacketsPerSecond;
  uint64_t outPacketsPerSecond;
  uint64_t inBytesPerSecond;
  uint64_t outBytesPerSecond;
};

inline constexpr netlink::Field statisticsFields[] = {
    NETLINK_REPLY(Statistics, connections, u64, IPVS_STATS_ATTR_CONNS, "Connections scheduled."),
    NETLINK_REPLY(Statistics, inPackets, u64, IPVS_STATS_ATTR_INPKTS, "Packets from clients."),
    NETLINK_REPLY(Statistics, outPackets, u64, IPVS_STATS_ATTR_OUTPKTS, "Packets to clients (masquerading only)."),
    NETLINK_REPLY(Statistics, inBytes, u64, IPVS_STATS_ATTR_INBYTES, "Bytes from clients."),
    NETLINK_REPLY(Statistics, outBytes, u64, IPVS_STATS_ATTR_OUTBYTES, "Bytes to clients (masquerading only)."),
    NETLINK_REPLY(Statistics, connectionsPerSecond, u64, IPVS_STATS_ATTR_CPS, "Connections per second."),
    NETLINK_REPLY(Statistics, inPacketsPerSecond, u64, IPVS_STATS_ATTR_INPPS, "Packets per second from clients."),
    NETLINK_REPLY(Statistics, outPacketsPerSecond, u64, IPVS_STATS_ATTR_OUTPPS, "Packets per second to clients."),
    NETLINK_REPLY(Statistics, inBytesPerSecond, u64, IPVS_STATS_ATTR_INBPS, "Bytes per second from clients."),
    NETLINK_REPLY(Statistics, outBytesPerSecond, u64, IPVS_STATS_ATTR_OUTBPS, "Bytes per second to clients."),
};
inline constexpr netlink::Record statisticsRecord = netlink::recordOf<Statistics, statisticsFields>("statistics");
static_assert(netlink::wellFormed(statisticsRecord));

struct Flags {
  uint32_t value;
  uint32_t mask; // significant bits of `value`
};

struct Service {
  uint32_t present;
  uint32_t fwmark;
  std::byte address[16]; // network order; IPv4 in the first four
  uint16_t family;
  uint16_t protocol;
  uint16_t port;
  uint16_t reserved;
  char scheduler[16];
  Flags flags;
  uint32_t timeout;
  std::byte netmask[4]; // IPv4: mask in network order; IPv6: prefix length, u32 in host order
  char persistenceEngine[24];
  Statistics statistics;
};

// The kernel sends statistics twice: in STATS, whose 32-bit counters wrap, and since Linux 4.1 in STATS64. Only STATS64
// is read.
inline constexpr netlink::Field serviceFields[] = {
    NETLINK_FIELD(Service, family, u16, IPVS_SVC_ATTR_AF, "2 (IPv4) or 10 (IPv6)."),
    NETLINK_FIELD(Service, protocol, u16, IPVS_SVC_ATTR_PROTOCOL, "6 (tcp), 17 (udp) or 132 (sctp)."),
    NETLINK_FIELD(Service, address, bytes, IPVS_SVC_ATTR_ADDR, "Virtual address."),
    NETLINK_FIELD(Service, port, be16, IPVS_SVC_ATTR_PORT, "Virtual port; 0: all ports."),
    NETLINK_FIELD(Service, fwmark, u32, IPVS_SVC_ATTR_FWMARK, "Firewall mark; replaces protocol, address and port."),
    NETLINK_FIELD(Service, scheduler, text, IPVS_SVC_ATTR_SCHED_NAME, "Scheduler, at most 15 characters."),
    NETLINK_FIELD(Service, persistenceEngine, text, IPVS_SVC_ATTR_PE_NAME, "Persistence engine; empty: none."),
    NETLINK_FIELD(Service, flags, flags, IPVS_SVC_ATTR_FLAGS, "IP_VS_SVC_F_*."),
    NETLINK_FIELD(Service, timeout, u32, IPVS_SVC_ATTR_TIMEOUT, "Persistence timeout in seconds."),
    NETLINK_FIELD(Service, netmask, bytes, IPVS_SVC_ATTR_NETMASK, "Granularity of persistence."),
    NETLINK_REPLY_NESTED(Service, statistics, statisticsRecord, IPVS_SVC_ATTR_STATS64, "Counters, up to 2 s old."),
};
inline constexpr netlink::Record serviceRecord =
    netlink::recordOf<Service, serviceFields>("service", IPVS_CMD_ATTR_SERVICE);
static_assert(netlink::wellFormed(serviceRecord));

// The members from fwmark to port are the key of a service. Unused members of the key are zero.
inline bool sameService(const std::byte* left, const std::byte* right) {
  constexpr size_t from = offsetof(Service, fwmark);
  constexpr size_t to = offsetof(Service, port) + sizeof(Service::port);
  return std::memcmp(left + from, right + from, to - from) == 0;
}

struct Destination {
  uint32_t present;
  uint32_t forwarding;
  std::byte address[16];
  uint32_t weight;
  uint32_t upperThreshold;
  uint32_t lowerThreshold;
  uint32_t activeConnections;
  uint32_t inactiveConnections;
  uint32_t persistentConnections;
  uint16_t family;
  uint16_t port;
  uint16_t tunnelPort;
  uint16_t tunnelFlags;
  uint8_t tunnelType;
  uint8_t reserved[7];
  Statistics statistics;
};

// In the order of ipvsadm's requests: test/codec/golden.test.ts compares our requests with its requests byte by byte.
inline constexpr netlink::Field destinationFields[] = {
    NETLINK_FIELD(Destination, family, u16, IPVS_DEST_ATTR_ADDR_FAMILY, "2 or 10; absent: the service's (3.18+)."),
    NETLINK_FIELD(Destination, address, bytes, IPVS_DEST_ATTR_ADDR, "Address of the real server."),
    NETLINK_FIELD(Destination, port, be16, IPVS_DEST_ATTR_PORT, "Port; 0 with marks: the packet's own."),
    NETLINK_FIELD(Destination, forwarding, u32, IPVS_DEST_ATTR_FWD_METHOD, "IP_VS_CONN_F_FWD_MASK values."),
    NETLINK_FIELD(Destination, weight, u32, IPVS_DEST_ATTR_WEIGHT, "0: no new connections."),
    NETLINK_FIELD(Destination, tunnelType, u8, IPVS_DEST_ATTR_TUN_TYPE, "0 ipip, 1 gue (5.2+), 2 gre (5.3+)."),
    NETLINK_FIELD(Destination, tunnelPort, be16, IPVS_DEST_ATTR_TUN_PORT, "UDP port of a gue tunnel (5.2+)."),
    NETLINK_FIELD(Destination, tunnelFlags, u16, IPVS_DEST_ATTR_TUN_FLAGS, "0 none, 1 csum, 2 remcsum (5.3+)."),
    NETLINK_FIELD(Destination, upperThreshold, u32, IPVS_DEST_ATTR_U_THRESH, "Most connections; 0: no limit."),
    NETLINK_FIELD(Destination, lowerThreshold, u32, IPVS_DEST_ATTR_L_THRESH, "End of overload; 0: 3/4 of upper."),
    NETLINK_REPLY(Destination, activeConnections, u32, IPVS_DEST_ATTR_ACTIVE_CONNS, "Established or opening."),
    NETLINK_REPLY(Destination, inactiveConnections, u32, IPVS_DEST_ATTR_INACT_CONNS, "Connections in other states."),
    NETLINK_REPLY(Destination, persistentConnections, u32, IPVS_DEST_ATTR_PERSIST_CONNS, "Persistence templates."),
    NETLINK_REPLY_NESTED(Destination, statistics, statisticsRecord, IPVS_DEST_ATTR_STATS64, "Counters, up to 2 s old."),
};
inline constexpr netlink::Record destinationRecord =
    netlink::recordOf<Destination, destinationFields>("destination", IPVS_CMD_ATTR_DEST);
static_assert(netlink::wellFormed(destinationRecord));

// Address, port and family are the key of a destination within its service.
inline bool sameDestination(const std::byte* left, const std::byte* right) {
  const auto same = [&](size_t offset, size_t size) { return std::memcmp(left + offset, right + offset, size) == 0; };
  return same(offsetof(Destination, address), sizeof(Destination::address)) &&
         same(offsetof(Destination, port), sizeof(Destination::port)) &&
         same(offsetof(Destination, family), sizeof(Destination::family));
}

struct Timeouts {
  uint32_t present;
  uint32_t tcp;
  uint32_t tcpFin;
  uint32_t udp;
};

// In seconds; 0 leaves a timeout unchanged.
inline constexpr netlink::Field timeoutsFields[] = {
    NETLINK_FIELD(Timeouts, tcp, u32, IPVS_CMD_ATTR_TIMEOUT_TCP, "Established TCP connections."),
    NETLINK_FIELD(Timeouts, tcpFin, u32, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, "TCP connections after a FIN."),
    NETLINK_FIELD(Timeouts, udp, u32, IPVS_CMD_ATTR_TIMEOUT_UDP, "UDP."),
};
inline constexpr netlink::Record timeoutsRecord = netlink::recordOf<Timeouts, timeoutsFields>("timeouts");
static_assert(netlink::wellFormed(timeoutsRecord));

struct Daemon {
  uint32_t present;
  uint32_t state;
  uint32_t syncId;
  std::byte group[4];
  std::byte group6[16];
  uint16_t maxLength;
  uint16_t port;
  uint8_t ttl;
  char interface[16];
  uint8_t reserved[3];
};

// Multicast group, port, TTL and length since Linux 4.3.
inline constexpr netlink::Field daemonFields[] = {
    NETLINK_FIELD(Daemon, state, u32, IPVS_DAEMON_ATTR_STATE, "1 master, 2 backup."),
    NETLINK_FIELD(Daemon, interface, text, IPVS_DAEMON_ATTR_MCAST_IFN, "Interface of the multicast."),
    NETLINK_FIELD(Daemon, syncId, u32, IPVS_DAEMON_ATTR_SYNC_ID,
                  "8 bits on the wire; a backup accepts all ids with 0."),
    NETLINK_FIELD(Daemon, maxLength, u16, IPVS_DAEMON_ATTR_SYNC_MAXLEN, "Largest payload of a message in bytes."),
    NETLINK_FIELD(Daemon, group, bytes, IPVS_DAEMON_ATTR_MCAST_GROUP, "IPv4 group, network order."),
    NETLINK_FIELD(Daemon, group6, bytes, IPVS_DAEMON_ATTR_MCAST_GROUP6, "IPv6 group."),
    // In host order, unlike every other port of this family.
    NETLINK_FIELD(Daemon, port, u16, IPVS_DAEMON_ATTR_MCAST_PORT, "UDP port of the first thread."),
    NETLINK_FIELD(Daemon, ttl, u8, IPVS_DAEMON_ATTR_MCAST_TTL, "Hops of the multicast."),
};
inline constexpr netlink::Record daemonRecord = netlink::recordOf<Daemon, daemonFields>("daemon", IPVS_CMD_ATTR_DAEMON);
static_assert(netlink::wellFormed(daemonRecord));

struct Info {
  uint32_t present;
  uint32_t version; // 0x010201 is 1.2.1
  uint32_t connectionTableSize;
  uint32_t reserved;
};

inline constexpr netlink::Field infoFields[] = {
    NETLINK_REPLY(Info, version, u32, IPVS_INFO_ATTR_VERSION, "Version of IPVS, a byte each."),
    NETLINK_REPLY(Info, connectionTableSize, u32, IPVS_INFO_ATTR_CONN_TAB_SIZE, "Buckets of the connection table."),
};
inline constexpr netlink::Record infoRecord = netlink::recordOf<Info, infoFields>("info");
static_assert(netlink::wellFormed(infoRecord));

// Records at the top level of an IPVS message, for error location and the debug dump.
inline constexpr const netlink::Record* requestRecords[] = {&serviceRecord, &destinationRecord, &daemonRecord,
                                                            &timeoutsRecord};

} // namespace ipvs
