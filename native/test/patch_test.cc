// Patches of services: what the session fills in when a patch has its turn.
#include "session_script.h"

using namespace script; // NOLINT

namespace {

constexpr uint32_t persistent = IP_VS_SVC_F_PERSISTENT;
constexpr uint32_t hashed = IP_VS_SVC_F_HASHED; // the kernel's own: every service has it

void putSettings(netlink::Writer& writer, const ipvs::Service& service) {
  writer.value<uint16_t>(IPVS_SVC_ATTR_AF, 2);
  writer.value<uint32_t>(IPVS_SVC_ATTR_FWMARK, 7);
  writer.text(IPVS_SVC_ATTR_SCHED_NAME, "rr");
  writer.attribute(IPVS_SVC_ATTR_FLAGS, &service.flags, sizeof service.flags);
  writer.value(IPVS_SVC_ATTR_TIMEOUT, service.timeout);
  writer.attribute(IPVS_SVC_ATTR_NETMASK, service.netmask, sizeof service.netmask);
}

ipvs::Service settingsOf(const Message& request) {
  ipvs::Service row{};
  netlink::AttributeReader reader(request.payload.subspan(sizeof(genlmsghdr)));
  netlink::Attribute attribute;
  REQUIRE(reader.next(attribute));
  REQUIRE_FALSE(netlink::decode(ipvs::serviceRecord, attribute.payload, reinterpret_cast<std::byte*>(&row)));
  return row;
}

// A kernel that has one service, of mark 7, and keeps what patches make of it.
struct OneService {
  OneService(uint32_t flags, uint32_t timeout) {
    service.flags = {flags | hashed, UINT32_MAX};
    service.timeout = timeout;
  }

  Datagrams operator()(const Requests& requests) {
    Datagrams out;
    for (const Message& request : requests) {
      if (commandOf(request) == IPVS_CMD_GET_SERVICE) {
        Reply reply;
        reply.data(request.header, IPVS_CMD_NEW_SERVICE, [&](netlink::Writer& writer) {
          const size_t nest = writer.beginNest(IPVS_CMD_ATTR_SERVICE);
          putSettings(writer, service);
          writer.endNest(nest);
        });
        out.push_back(reply.ack(request.header).take());
      } else {
        const ipvs::Service wanted = settingsOf(request);
        service.timeout = wanted.timeout;
        service.flags.value =
            (service.flags.value & ~wanted.flags.mask) | (wanted.flags.value & wanted.flags.mask) | hashed;
        if ((request.header.nlmsg_flags & NLM_F_ACK) != 0) {
          out.push_back(Reply().ack(request.header).take());
        }
      }
    }
    return out;
  }

  ipvs::Service service{};
};

// A patch of the flag of persistence, and of the timeout unless it is absent.
ipvs::Row patch(ipvs::Flags flags, std::optional<uint32_t> timeout = {}) {
  ipvs::Row row(sizeof(ipvs::Service));
  std::vector<std::byte> attributes;
  netlink::Writer writer(attributes);
  writer.value<uint16_t>(IPVS_SVC_ATTR_AF, 2);
  writer.value<uint32_t>(IPVS_SVC_ATTR_FWMARK, 7);
  writer.attribute(IPVS_SVC_ATTR_FLAGS, &flags, sizeof flags);
  if (timeout) {
    writer.value(IPVS_SVC_ATTR_TIMEOUT, *timeout);
  }
  REQUIRE_FALSE(netlink::decode(ipvs::serviceRecord, attributes, row.data()));
  return row;
}

constexpr ipvs::Flags on{persistent, persistent};
constexpr ipvs::Flags off{0, persistent};
constexpr ipvs::Flags onePacket{IP_VS_SVC_F_ONEPACKET, IP_VS_SVC_F_ONEPACKET};

// The timeout after patches that one call carries out.
uint32_t timeoutAfter(OneService before, const std::vector<ipvs::Row>& patches) {
  fake::Kernel kernel(withFamily([&before](const Requests& requests) { return before(requests); }));
  ipvs::Session session(kernel.connector());
  std::vector<Item> items;
  for (const ipvs::Row& row : patches) {
    items.push_back({Operation::updateService, row.data()});
  }
  CHECK(session.execute(items, Control::within(5s)).empty());
  session.close();
  return before.service.timeout;
}

} // namespace

TEST_CASE("persistence that begins without a timeout gets the default of ipvsadm") {
  CHECK(timeoutAfter({0, 0}, {patch(on)}) == 360);
  CHECK(timeoutAfter({0, 0}, {patch(on, 60)}) == 60);
  CHECK(timeoutAfter({0, 0}, {patch(on, 0)}) == 0);
}

TEST_CASE("persistence that is there keeps its timeout") {
  CHECK(timeoutAfter({persistent, 60}, {patch(on)}) == 60);
  CHECK(timeoutAfter({persistent, 0}, {patch(on)}) == 0); // as a raw netlink client can set it
  CHECK(timeoutAfter({persistent, 60}, {patch(onePacket)}) == 60);
}

TEST_CASE("whether it begins is asked when the patch has its turn") {
  CHECK(timeoutAfter({0, 0}, {patch(on, 60), patch(on)}) == 60);
  CHECK(timeoutAfter({persistent, 60}, {patch(off, 0), patch(on)}) == 360);
  CHECK(timeoutAfter({0, 0}, {patch(onePacket)}) == 0);
}
