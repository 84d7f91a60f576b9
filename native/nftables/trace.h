// Simulates packets in the packet filter: their verdict and their mark. If a condition depends on unknown properties of
// the packet (sender, interface, a limit, an unsupported match), both branches are followed.
#pragma once

#include "nftables/known_bits.h"
#include "nftables/ruleset.h"

#include "netlink/named.h"
#include "netlink/record.h"

namespace nftables {

enum class Path : uint8_t {
  arriving = 1, // prerouting, and input up to IPVS
  through = 2,  // prerouting, and forward up to IPVS: replies of real servers with masquerading
  sent = 3,     // output: packets from IPVS to real servers
  leaving = 4,  // postrouting: connections that real servers open
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
    NETLINK_FIELD(TracedPacket, mark, u32, PACKET_MARK, "Initial firewall mark."),
    NETLINK_FIELD(TracedPacket, source, bytes, PACKET_SOURCE, "Source address; absent: any."),
    NETLINK_FIELD(TracedPacket, destination, bytes, PACKET_DESTINATION, "Destination address; absent: any."),
    NETLINK_FIELD(TracedPacket, sourcePort, u16, PACKET_SOURCE_PORT, "Absent: any."),
    NETLINK_FIELD(TracedPacket, destinationPort, u16, PACKET_DESTINATION_PORT, "Absent: any."),
    NETLINK_FIELD(TracedPacket, family, u8, PACKET_FAMILY, "AF_INET or AF_INET6."),
    NETLINK_FIELD(TracedPacket, protocol, u8, PACKET_PROTOCOL, "IPPROTO_*."),
    NETLINK_FIELD(TracedPacket, path, u8, PACKET_PATH, "1 arriving, 2 through, 3 sent, 4 leaving."),
    NETLINK_FIELD(TracedPacket, state, u8, PACKET_STATE,
                  "Connection state: 1 invalid, 2 established, 8 new, 64 untracked."),
};
inline constexpr netlink::Record tracedPacketRecord{"tracedPacket", sizeof(TracedPacket), 0, tracedPacketFields};
static_assert(netlink::wellFormed(tracedPacketRecord));

// A rule, or the policy of a base chain.
struct RulePlace {
  uint8_t family = 0; // of the table; 0: no place
  std::string table;
  std::string base; // base chain that leads to the rule
  std::string chain;
  uint64_t handle = 0;
  uint32_t position = 0; // in the chain, from 1; 0: the policy
  uint32_t tableFlags = 0;
};

enum class Outcome : uint8_t { accepted = 0, dropped = 1, unknown = 2 };
inline constexpr netlink::Named outcomeNames[] = {netlink::named("accepted", Outcome::accepted),
                                                  netlink::named("dropped", Outcome::dropped),
                                                  netlink::named("unknown", Outcome::unknown)};

struct Trace {
  Outcome outcome = Outcome::accepted;
  uint32_t hook = 0; // of the drop
  RulePlace place;   // of the drop
  KnownWord mark;
  KnownWord former;    // the mark before its last change
  RulePlace markPlace; // of the last change of the mark
  RulePlace asked;     // a rule that matched on this mark before it was set
};

struct Interface {
  uint32_t index = 0; // 0: any but lo
  std::string name;
};

// Properties of a packet outside its headers.
struct PacketContext {
  Truth local = Truth::maybe; // whether the destination is an address of this host
  Interface input;
  Interface output;
};

[[nodiscard]] Trace follow(const Ruleset& ruleset, const TracedPacket& packet, const PacketContext& context);

} // namespace nftables
