// Follows packets that do not exist through the packet filter: what would become of them, and of their marks. Where
// only a real packet can tell (its sender, its interface, a limit, a match that is not known here), both ways are gone.
#pragma once

#include "nftables/known_bits.h"
#include "nftables/ruleset.h"

#include "netlink/named.h"
#include "netlink/record.h"

namespace nftables {

enum class Path : uint8_t {
  arriving = 1, // prerouting, and input up to IPVS
  through = 2,  // prerouting, and forward up to IPVS: what real servers answer with masquerade
  sent = 3,     // output: what IPVS sends to real servers
  leaving = 4,  // postrouting: what real servers send by themselves
};
inline constexpr netlink::Named pathNames[] = {
    netlink::named("arriving", Path::arriving), netlink::named("through", Path::through),
    netlink::named("sent", Path::sent), netlink::named("leaving", Path::leaving)};

struct TracedPacket {
  uint32_t present;
  uint32_t mark;
  std::byte source[16];
  std::byte destination[16];
  uint16_t sourcePort;
  uint16_t destinationPort;
  uint8_t family; // AF_INET, AF_INET6
  uint8_t protocol;
  uint8_t path;
  uint8_t state; // NF_CT_STATE bits: 1 invalid, 2 established, 8 new, 64 untracked
};

enum TracedPacketPart : uint8_t {
  PACKET_MARK = 1,
  PACKET_SOURCE,
  PACKET_DESTINATION,
  PACKET_SOURCE_PORT,
  PACKET_DESTINATION_PORT,
  PACKET_FAMILY,
  PACKET_PROTOCOL,
  PACKET_PATH,
  PACKET_STATE,
};

inline constexpr netlink::Field tracedPacketFields[] = {
    NETLINK_FIELD(TracedPacket, mark, u32, PACKET_MARK, "Firewall mark that it has before all rules."),
    NETLINK_FIELD(TracedPacket, source, bytes, PACKET_SOURCE, "Where it comes from; absent: any."),
    NETLINK_FIELD(TracedPacket, destination, bytes, PACKET_DESTINATION, "Where it goes; absent: any."),
    NETLINK_FIELD(TracedPacket, sourcePort, u16, PACKET_SOURCE_PORT, "Absent: any."),
    NETLINK_FIELD(TracedPacket, destinationPort, u16, PACKET_DESTINATION_PORT, "Absent: any."),
    NETLINK_FIELD(TracedPacket, family, u8, PACKET_FAMILY, "AF_INET or AF_INET6."),
    NETLINK_FIELD(TracedPacket, protocol, u8, PACKET_PROTOCOL, "IPPROTO_*."),
    NETLINK_FIELD(TracedPacket, path, u8, PACKET_PATH, "1 arriving, 2 through, 3 sent, 4 leaving."),
    NETLINK_FIELD(TracedPacket, state, u8, PACKET_STATE,
                  "Of its connection: 1 invalid, 2 established, 8 new, 64 untracked."),
};
inline constexpr netlink::Record tracedPacketRecord{"tracedPacket", sizeof(TracedPacket), 0, tracedPacketFields};
static_assert(netlink::wellFormed(tracedPacketRecord));

// A rule, or the policy of a base chain.
struct RulePlace {
  uint8_t family = 0; // of the table; 0: no place
  std::string table;
  std::string base; // the base chain by which it was reached
  std::string chain;
  uint64_t handle = 0;
  uint32_t position = 0; // in its chain, from 1; 0: the policy
  uint32_t tableFlags = 0;
};

enum class Outcome : uint8_t { accepted = 0, dropped = 1, unknown = 2 };
inline constexpr netlink::Named outcomeNames[] = {netlink::named("accepted", Outcome::accepted),
                                                  netlink::named("dropped", Outcome::dropped),
                                                  netlink::named("unknown", Outcome::unknown)};

struct Trace {
  Outcome outcome = Outcome::accepted;
  uint32_t hook = 0; // where it was dropped
  RulePlace place;   // what drops it
  KnownWord mark;
  KnownWord former;    // the mark before `markPlace`
  RulePlace markPlace; // what changed it last
  RulePlace asked;     // what asked for the mark before it was given
};

struct Interface {
  uint32_t index = 0; // 0: any but lo
  std::string name;
};

// What is known of a packet's way beside its headers.
struct Surroundings {
  Truth local = Truth::maybe; // whether the destination is an address of this host
  Interface input;
  Interface output;
};

[[nodiscard]] Trace follow(const Ruleset& ruleset, const TracedPacket& packet, const Surroundings& surroundings);

} // namespace nftables
