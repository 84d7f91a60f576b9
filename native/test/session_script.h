// Helpers of the tests of the IPVS session: rows, and a scripted kernel that knows the family.
#pragma once

#include "fake_kernel.h"
#include "ipvs/session.h"

#include <doctest/doctest.h>

namespace script {

using namespace std::chrono_literals;
using fake::Datagram;
using fake::Reply;
using Datagrams = std::vector<Datagram>;
using ipvs::Item;
using ipvs::Operation;
using netlink::Control;
using netlink::FailureKind;
using netlink::Message;
using Requests = std::vector<Message>;

inline ipvs::Row serviceRow(uint32_t mark, const char* scheduler = "rr") {
  ipvs::Row row(sizeof(ipvs::Service));
  std::vector<std::byte> attributes;
  netlink::Writer writer(attributes);
  writer.value<uint16_t>(IPVS_SVC_ATTR_AF, 2);
  writer.value<uint32_t>(IPVS_SVC_ATTR_FWMARK, mark);
  writer.text(IPVS_SVC_ATTR_SCHED_NAME, scheduler);
  REQUIRE_FALSE(netlink::decode(ipvs::serviceRecord, attributes, row.data()));
  return row;
}

// A destination with its key and one u32 attribute, by default the weight.
inline ipvs::Row destinationRow(uint8_t last, uint32_t value, uint16_t attribute = IPVS_DEST_ATTR_WEIGHT) {
  ipvs::Row row(sizeof(ipvs::Destination));
  std::vector<std::byte> attributes;
  netlink::Writer writer(attributes);
  const uint8_t address[16] = {10, 0, 0, last};
  writer.attribute(IPVS_DEST_ATTR_ADDR, address, sizeof address);
  writer.value<uint16_t>(IPVS_DEST_ATTR_PORT, 0);
  writer.value<uint16_t>(IPVS_DEST_ATTR_ADDR_FAMILY, 2);
  writer.value<uint32_t>(attribute, value);
  REQUIRE_FALSE(netlink::decode(ipvs::destinationRecord, attributes, row.data()));
  return row;
}

inline uint8_t commandOf(const Message& request) { return netlink::load<genlmsghdr>(request.payload.data()).cmd; }

inline bool isLookup(const Requests& requests) { return requests[0].header.nlmsg_type == GENL_ID_CTRL; }

inline void putService(Reply& reply, const nlmsghdr& request, uint32_t mark, const char* scheduler = "rr") {
  reply.data(request, IPVS_CMD_NEW_SERVICE, [&](netlink::Writer& writer) {
    const size_t nest = writer.beginNest(IPVS_CMD_ATTR_SERVICE);
    writer.value<uint16_t>(IPVS_SVC_ATTR_AF, 2);
    writer.value<uint32_t>(IPVS_SVC_ATTR_FWMARK, mark);
    writer.text(IPVS_SVC_ATTR_SCHED_NAME, scheduler);
    const uint32_t flags[2] = {0x2, 0xffffffff};
    writer.attribute(IPVS_SVC_ATTR_FLAGS, flags, sizeof flags);
    writer.endNest(nest);
  });
}

// A kernel that replies to family lookups and leaves other requests to `script`.
inline fake::Kernel::Script withFamily(fake::Kernel::Script script) {
  return [script = std::move(script)](const Requests& requests) {
    return isLookup(requests) ? Datagrams{fake::familyReply(requests[0].header)} : script(requests);
  };
}

inline std::vector<Datagram> dumpOf(const Requests& requests, std::vector<std::vector<uint32_t>> datagrams) {
  std::vector<Datagram> out;
  for (const auto& marks : datagrams) {
    Reply reply;
    for (const uint32_t mark : marks) {
      putService(reply, requests[0].header, mark);
    }
    out.push_back(reply.take());
  }
  out.push_back(Reply().doneDump(requests[0].header).take());
  return out;
}

} // namespace script
