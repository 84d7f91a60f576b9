#include "nftables/legacy_match.h"

#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>

namespace nftables {
namespace {

// The kernel rounds the size of the struct up.
template <typename Info> bool readInfo(Bytes bytes, Info& info) {
  if (bytes.size() < sizeof info) {
    return false;
  }
  std::memcpy(&info, bytes.data(), sizeof info);
  return true;
}

Truth portWithin(std::span<const KnownByte> port, uint16_t from, uint16_t to) {
  const auto bytes = [](uint16_t number) {
    return std::array{static_cast<std::byte>(number >> 8), static_cast<std::byte>(number & 255)};
  };
  return from == 0 && to == UINT16_MAX ? Truth::yes : within(port, bytes(from), bytes(to));
}

Truth inverted(Truth value, bool invert) { return invert ? negate(value) : value; }

Truth matchTcp(Bytes bytes, uint32_t /*revision*/, const MatchedPacket& packet) {
  xt_tcp info;
  if (!readInfo(bytes, info)) {
    return Truth::maybe;
  }
  const Truth source = portWithin(packet.transport.first(2), info.spts[0], info.spts[1]);
  const Truth destination = portWithin(packet.transport.subspan(2, 2), info.dpts[0], info.dpts[1]);
  const KnownByte flags = packet.transport[13].masked(static_cast<std::byte>(info.flg_mask));
  return both(
      both(inverted(source, (info.invflags & XT_TCP_INV_SRCPT) != 0),
           inverted(destination, (info.invflags & XT_TCP_INV_DSTPT) != 0)),
      both(inverted(flags.equals(static_cast<std::byte>(info.flg_cmp)), (info.invflags & XT_TCP_INV_FLAGS) != 0),
           info.option == 0 ? Truth::yes : Truth::maybe));
}

Truth matchUdp(Bytes bytes, uint32_t /*revision*/, const MatchedPacket& packet) {
  xt_udp info;
  if (!readInfo(bytes, info)) {
    return Truth::maybe;
  }
  const Truth source = portWithin(packet.transport.first(2), info.spts[0], info.spts[1]);
  const Truth destination = portWithin(packet.transport.subspan(2, 2), info.dpts[0], info.dpts[1]);
  return both(inverted(source, (info.invflags & XT_UDP_INV_SRCPT) != 0),
              inverted(destination, (info.invflags & XT_UDP_INV_DSTPT) != 0));
}

Truth matchMultiport(Bytes bytes, uint32_t revision, const MatchedPacket& packet) {
  xt_multiport_v1 info;
  if (revision != 1 || !readInfo(bytes, info) || info.count > XT_MULTI_PORTS) {
    return Truth::maybe;
  }
  if (info.flags != XT_MULTIPORT_DESTINATION) {
    return Truth::maybe;
  }
  Truth found = Truth::no;
  for (size_t i = 0; i < info.count; ++i) {
    const bool range = info.pflags[i] != 0 && i + 1 < info.count;
    const Truth one = portWithin(packet.transport.subspan(2, 2), info.ports[i], info.ports[range ? i + 1 : i]);
    found = negate(both(negate(found), negate(one)));
    i += range ? 1 : 0;
  }
  return inverted(found, info.invert != 0);
}

// nft, conntrack and state use different bits for untracked packets.
Truth matchState(uint32_t wanted, uint32_t untracked, bool invert, const MatchedPacket& packet) {
  constexpr uint32_t nftUntracked = 64;
  const uint32_t state = packet.state == nftUntracked ? untracked : packet.state;
  return inverted(truth((wanted & state) != 0), invert);
}

Truth matchConntrack(Bytes bytes, uint32_t revision, const MatchedPacket& packet) {
  xt_conntrack_mtinfo2 info; // revision 3 only appends members
  if (revision < 2 || !readInfo(bytes, info)) {
    return Truth::maybe;
  }
  if (info.match_flags != XT_CONNTRACK_STATE) {
    return (info.match_flags & XT_CONNTRACK_STATE) != 0 &&
                   matchState(info.state_mask, XT_CONNTRACK_STATE_UNTRACKED,
                              (info.invert_flags & XT_CONNTRACK_STATE) != 0, packet) == Truth::no
               ? Truth::no
               : Truth::maybe;
  }
  return matchState(info.state_mask, XT_CONNTRACK_STATE_UNTRACKED, (info.invert_flags & XT_CONNTRACK_STATE) != 0,
                    packet);
}

Truth matchOldState(Bytes bytes, uint32_t /*revision*/, const MatchedPacket& packet) {
  xt_state_info info;
  return readInfo(bytes, info) ? matchState(info.statemask, XT_STATE_UNTRACKED, false, packet) : Truth::maybe;
}

Truth matchMark(Bytes bytes, uint32_t revision, const MatchedPacket& packet) {
  xt_mark_mtinfo1 info;
  if (revision != 1 || !readInfo(bytes, info)) {
    return Truth::maybe;
  }
  return inverted(packet.mark.masked(info.mask).equals(info.mark), info.invert != 0);
}

Truth matchAddressType(Bytes bytes, uint32_t revision, const MatchedPacket& packet) {
  xt_addrtype_info_v1 info;
  if (revision != 1 || !readInfo(bytes, info) || info.source != 0 || packet.local != Truth::yes) {
    return Truth::maybe;
  }
  return inverted(truth((info.dest & XT_ADDRTYPE_LOCAL) != 0), (info.flags & XT_ADDRTYPE_INVERT_DEST) != 0);
}

Truth matchComment(Bytes /*bytes*/, uint32_t /*revision*/, const MatchedPacket& /*packet*/) { return Truth::yes; }

} // namespace

Truth legacyMatch(Bytes data, const MatchedPacket& packet) {
  static constexpr struct {
    const char* name;
    Truth (*match)(Bytes bytes, uint32_t revision, const MatchedPacket& packet);
  } matches[] = {
      {"tcp", matchTcp},
      {"udp", matchUdp},
      {"multiport", matchMultiport},
      {"conntrack", matchConntrack},
      {"mark", matchMark},
      {"addrtype", matchAddressType},
      {"state", matchOldState},
      {"comment", matchComment},
  };
  const std::string name = readText(findAttribute(data, NFTA_MATCH_NAME));
  uint32_t revision = 0;
  (void)readU32(findAttribute(data, NFTA_MATCH_REV), revision);
  for (const auto& match : matches) {
    if (name == match.name) {
      return match.match(findAttribute(data, NFTA_MATCH_INFO), revision, packet);
    }
  }
  return Truth::maybe;
}

} // namespace nftables
