// A row of the connection table, as JavaScript reads it: 64 bytes, one cache line. No presence bits, unlike the rows of
// schema.h: a line of the table always has all columns.
#pragma once

#include "netlink/named.h"
#include "netlink/record.h"

#include <netinet/in.h>

#include <string_view>

namespace ipvs {

// In the order of `stateNames`.
enum class State : uint8_t {
  none,
  established,
  synSent,
  synReceived,
  finWait,
  timeWait,
  close,
  closeWait,
  lastAck,
  listen,
  synAck,
  udp,
  init1,
  init,
  cookieSent,
  cookieReplied,
  cookieWait,
  cookie,
  cookieEchoed,
  shutdownSent,
  shutdownReceived,
  shutdownAckSent,
  rejected,
  closed,
  assured,
  error,
  unnamed,
  bug,
};

// As the kernel prints them. The last three are for invalid states; ERR! also for protocols without states (AH, ESP).
inline constexpr std::string_view stateNames[] = {
    "NONE",       "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT", "TIME_WAIT", "CLOSE",
    "CLOSE_WAIT", "LAST_ACK",    "LISTEN",   "SYNACK",   "UDP",      "INIT1",     "INIT",
    "C-SENT",     "C-REPLIED",   "C-WAIT",   "COOKIE",   "C-ECHOED", "S-SENT",    "S-RECEIVED",
    "S-ACK-SENT", "REJECTED",    "CLOSED",   "ASSURED",  "ERR!",     "?",         "BUG!"};
static_assert(std::size(stateNames) == static_cast<size_t>(State::bug) + 1 && std::size(stateNames) <= 32);

enum class ConnectionKind : uint8_t {
  connection,
  persistence,     // a template: new connections of its client go to its destination
  markPersistence, // a template of a fwmark service: the virtual address contains the mark
};
inline constexpr netlink::Named connectionKindNames[] = {
    netlink::named("connection", ConnectionKind::connection),
    netlink::named("persistence", ConnectionKind::persistence),
    netlink::named("markPersistence", ConnectionKind::markPersistence)};

enum class Origin : uint8_t { unknown, local, synced };
inline constexpr netlink::Named originNames[] = {netlink::named("unknown", Origin::unknown),
                                                 netlink::named("local", Origin::local),
                                                 netlink::named("synced", Origin::synced)};

struct Connection {
  std::byte client[16]; // network order; IPv4 in the first four bytes, the rest zero
  std::byte virtualAddress[16];
  std::byte destination[16];
  uint32_t expires;
  uint16_t clientPort;
  uint16_t virtualPort;
  uint16_t destinationPort;
  uint8_t protocol;
  uint8_t state;
  uint8_t family;
  uint8_t destinationFamily;
  uint8_t kind;
  uint8_t origin;
};
static_assert(sizeof(Connection) == 64);

// The columns of /proc/net/ip_vs_conn, and members derived from them.
enum ConnectionColumn : uint8_t {
  COLUMN_FROM_IP = 1,
  COLUMN_TO_IP,
  COLUMN_DEST_IP,
  COLUMN_EXPIRES,
  COLUMN_FROM_PORT,
  COLUMN_TO_PORT,
  COLUMN_DEST_PORT,
  COLUMN_PROTOCOL,
  COLUMN_STATE,
  COLUMN_FAMILY,
  COLUMN_DEST_FAMILY,
  COLUMN_KIND,
  COLUMN_ORIGIN,
};

inline constexpr netlink::Field connectionFields[] = {
    NETLINK_REPLY(Connection, client, bytes, COLUMN_FROM_IP, "Client; masked in templates."),
    NETLINK_REPLY(Connection, virtualAddress, bytes, COLUMN_TO_IP, "Virtual address, or a mark in its first 4 bytes."),
    NETLINK_REPLY(Connection, destination, bytes, COLUMN_DEST_IP, "Real server."),
    NETLINK_REPLY(Connection, expires, u32, COLUMN_EXPIRES, "Seconds left."),
    NETLINK_REPLY(Connection, clientPort, u16, COLUMN_FROM_PORT, "Client's port; 0: a template."),
    NETLINK_REPLY(Connection, virtualPort, u16, COLUMN_TO_PORT, "Virtual port."),
    NETLINK_REPLY(Connection, destinationPort, u16, COLUMN_DEST_PORT, "Real server's port."),
    NETLINK_REPLY(Connection, protocol, u8, COLUMN_PROTOCOL, "IP protocol; 0: a template of a mark."),
    NETLINK_REPLY(Connection, state, u8, COLUMN_STATE, "Index of the state's name."),
    NETLINK_REPLY(Connection, family, u8, COLUMN_FAMILY, "2 or 10, of client and virtual address."),
    NETLINK_REPLY(Connection, destinationFamily, u8, COLUMN_DEST_FAMILY, "2 or 10, of the destination (tunnels)."),
    NETLINK_REPLY(Connection, kind, u8, COLUMN_KIND, "0 connection, 1 template, 2 template of a mark."),
    NETLINK_REPLY(Connection, origin, u8, COLUMN_ORIGIN, "0 not read, 1 local, 2 synced."),
};
inline constexpr netlink::Record connectionRecord{"connection", sizeof(Connection), 0, connectionFields};

// Name and data of a persistence engine as the kernel prints them: "sip abc@host". Rare, so not part of the rows.
using EngineText = std::string_view;

} // namespace ipvs
