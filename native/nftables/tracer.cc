#include "nftables/tracer.h"

#include "netlink/route.h"

#include <net/if.h>

#include <linux/rtnetlink.h>

namespace nftables {
namespace {

template <size_t Size> void copyText(const std::string& text, char (&target)[Size]) { text.copy(target, Size - 1); }

TraceRow rowOf(const Trace& trace, uint8_t route) {
  TraceRow row{};
  row.present = (1U << std::size(traceFields)) - 1;
  row.outcome = static_cast<uint8_t>(trace.outcome);
  row.route = route;
  row.mark = trace.mark.value;
  row.markKnown = trace.mark == KnownWord::of(trace.mark.value) ? 1 : 0;
  row.formerMark = trace.former.value;
  row.formerKnown = trace.former == KnownWord::of(trace.former.value) ? 1 : 0;
  if (trace.outcome == Outcome::dropped) {
    row.hook = static_cast<uint8_t>(trace.hook);
    row.family = trace.place.family;
    row.handle = trace.place.handle;
    row.position = trace.place.position;
    row.tableFlags = trace.place.tableFlags;
    copyText(trace.place.table, row.table);
    copyText(trace.place.base, row.base);
    copyText(trace.place.chain, row.chain);
  }
  row.markFamily = trace.markPlace.family;
  row.markHandle = trace.markPlace.handle;
  row.markPosition = trace.markPlace.position;
  copyText(trace.markPlace.table, row.markTable);
  copyText(trace.markPlace.chain, row.markChain);
  row.askedFamily = trace.asked.family;
  row.askedHandle = trace.asked.handle;
  copyText(trace.asked.table, row.askedTable);
  copyText(trace.asked.chain, row.askedChain);
  return row;
}

class Tracer {
public:
  Tracer(netlink::Channel& routes, const Control& control, const Ruleset& ruleset)
      : routes_(routes), control_(control), ruleset_(ruleset) {}

  Status trace(const TracedPacket& packet, TraceRow& row) {
    switch (static_cast<Path>(packet.path)) {
    case Path::arriving:
      return arrive(packet, row);
    case Path::through: // input interface: the one of the route to its sender
      return pass(packet, packet.source, PACKET_SOURCE, &PacketContext::input, row);
    case Path::sent:
      return pass(packet, packet.destination, PACKET_DESTINATION, &PacketContext::output, row);
    default:
      row = rowOf(follow(ruleset_, packet, {}), RTN_UNSPEC);
      return netlink::done();
    }
  }

private:
  Status routeOf(const TracedPacket& packet, const std::byte (&address)[16], uint32_t mark, netlink::Route& route) {
    const size_t length = packet.family == AF_INET ? 4 : 16;
    return netlink::readRoute(routes_, control_, packet.family, Bytes(address).first(length), mark, route);
  }

  Status arrive(const TracedPacket& packet, TraceRow& row) {
    netlink::Route route;
    if (const Status status = routeOf(packet, packet.destination, packet.mark, route); !status.ok()) {
      return status;
    }
    const Trace trace = follow(ruleset_, packet, {truth(route.type == RTN_LOCAL), {}, {}});
    // Policy routing may depend on the new mark.
    if (route.type != RTN_LOCAL && trace.mark.value != packet.mark) {
      if (const Status status = routeOf(packet, packet.destination, trace.mark.value, route); !status.ok()) {
        return status;
      }
    }
    row = rowOf(trace, route.type);
    return netlink::done();
  }

  Status pass(const TracedPacket& packet, const std::byte (&peer)[16], TracedPacketPart part,
              Interface PacketContext::* interface, TraceRow& row) {
    PacketContext context;
    if ((packet.present >> (part - 1) & 1) != 0) {
      netlink::Route route;
      if (const Status status = routeOf(packet, peer, 0, route); !status.ok()) {
        return status;
      }
      char name[IF_NAMESIZE] = {};
      if (route.type == RTN_UNICAST && if_indextoname(route.interface, name) != nullptr) {
        context.*interface = {route.interface, name};
      }
    }
    row = rowOf(follow(ruleset_, packet, context), RTN_UNSPEC);
    return netlink::done();
  }

  netlink::Channel& routes_;
  const Control& control_;
  const Ruleset& ruleset_;
};

} // namespace

Failure tracePackets(netlink::Channel& filter, netlink::Channel& routes, const Control& control,
                     std::span<const TracedPacket> packets, std::vector<TraceRow>& rows) {
  Ruleset ruleset;
  if (Failure failure = readRuleset(filter, control, ruleset); !failure.status.ok()) {
    return failure;
  }
  Tracer tracer(routes, control, ruleset);
  for (const TracedPacket& packet : packets) {
    if (const Status status = tracer.trace(packet, rows.emplace_back()); !status.ok()) {
      return failureOf(0, status);
    }
  }
  return failureOf(0, netlink::done());
}

} // namespace nftables
