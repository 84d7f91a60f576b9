#include "nftables/elements.h"

#include "nftables/rule_reader.h"
#include "nftables/user_data.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace nftables {
namespace {

// NFT_SET_ELEM_CATCHALL (Linux 5.13+): `*`, an element without key.
constexpr uint32_t catchAllFlag = 0x2;

constexpr size_t longestKey = 24;
using Key = std::array<std::byte, longestKey>;

// Offsets in a key. Each field is padded to four bytes.
size_t protocolOffset(const MapDefinition& map) { return map.addressLength(); }
size_t portOffset(const MapDefinition& map) { return map.addressLength() + 4; }

void writeKey(Writer& writer, uint16_t type, const MapDefinition& map, const std::byte* address, uint16_t protocol,
              uint16_t port) {
  Key key{};
  std::memcpy(key.data(), address, map.addressLength());
  key[protocolOffset(map)] = static_cast<std::byte>(protocol);
  if (map.ports()) {
    netlink::store(key.data() + portOffset(map), netlink::networkOrder(port));
  }
  const size_t nest = writer.beginNest(type);
  writer.attribute(NFTA_DATA_VALUE, key.data(), map.keyLength());
  writer.endNest(nest);
}

struct ElementAttributes {
  Bytes key;
  Bytes keyEnd;
  Bytes data;
  Bytes userData;
  Bytes expression;
  uint32_t flags = 0;
};

bool readAttributes(Bytes element, ElementAttributes& found) {
  netlink::AttributeReader reader(element);
  netlink::Attribute attribute;
  while (reader.next(attribute)) {
    switch (attribute.type) {
    case NFTA_SET_ELEM_KEY:
      found.key = findAttribute(attribute.payload, NFTA_DATA_VALUE);
      break;
    case NFTA_SET_ELEM_KEY_END:
      found.keyEnd = findAttribute(attribute.payload, NFTA_DATA_VALUE);
      break;
    case NFTA_SET_ELEM_DATA:
      found.data = findAttribute(attribute.payload, NFTA_DATA_VALUE);
      break;
    case NFTA_SET_ELEM_USERDATA:
      found.userData = attribute.payload;
      break;
    case NFTA_SET_ELEM_EXPR:
      found.expression = attribute.payload;
      break;
    case NFTA_SET_ELEM_FLAGS:
      if (!readU32(attribute.payload, found.flags)) {
        return false;
      }
      break;
    default:
      break; // timeouts, several expressions
    }
  }
  return !reader.malformed();
}

// All protocols are the range 0 to 255 in a map, and 0 in a row. No packet has protocol 0.
constexpr std::byte firstProtocol{0};
constexpr std::byte lastProtocol{255};

bool readProtocol(const MapDefinition& map, const ElementAttributes& found, Element& element) {
  const std::byte from = found.key[protocolOffset(map)];
  const std::byte to = found.keyEnd[protocolOffset(map)];
  if (!map.ports() && from == firstProtocol && to == lastProtocol) {
    return true;
  }
  element.protocol = static_cast<uint16_t>(from);
  return from == to && from != firstProtocol;
}

// `element` must be zeroed.
bool readElement(Bytes attributes, const MapDefinition& map, Element& element, std::string& problem) {
  ElementAttributes found;
  if (!readAttributes(attributes, found)) {
    return false;
  }
  const auto fail = [&](const char* what) {
    problem = std::string("map ") + map.name + " has " + what;
    return false;
  };
  if ((found.flags & catchAllFlag) != 0) {
    return fail("a catch-all element (*), which is not supported; delete it with nft");
  }
  if (found.keyEnd.empty()) {
    found.keyEnd = found.key;
  }
  if (found.key.size() != map.keyLength() || found.keyEnd.size() != map.keyLength() ||
      found.data.size() != sizeof element.mark) {
    return fail("an element whose key or data has the wrong length");
  }
  if (!map.interval() && !std::ranges::equal(found.key, found.keyEnd)) {
    return fail("a range, but its keys must be single addresses and ports");
  }
  if (!readProtocol(map, found, element)) {
    return fail("an element for protocol 0 or a range of protocols; delete it with nft");
  }
  element.present = elementPresent;
  element.mark = netlink::load<uint32_t>(found.data.data());
  element.mask = UINT32_MAX;
  std::memcpy(element.addressFrom, found.key.data(), map.addressLength());
  std::memcpy(element.addressTo, found.keyEnd.data(), map.addressLength());
  std::memset(element.sourceTo, 0xff, map.addressLength());
  element.family = map.family;
  element.portTo = element.sourcePortTo = UINT16_MAX;
  if (map.ports()) {
    element.portFrom = netlink::networkOrder(netlink::load<uint16_t>(found.key.data() + portOffset(map)));
    element.portTo = netlink::networkOrder(netlink::load<uint16_t>(found.keyEnd.data() + portOffset(map)));
  }
  element.place = static_cast<uint8_t>(map.place);
  if (!found.expression.empty()) {
    element.counter = readCounter(found.expression, element.packets, element.bytes) ? 1 : 0;
  }
  readUserData(found.userData, element);
  return true;
}

} // namespace

void writeElement(Writer& writer, const MapDefinition& map, const Element& element, Detail detail) {
  const size_t nest = writer.beginNest(NFTA_LIST_ELEM);
  const bool all = element.protocol == 0;
  const auto last = all ? static_cast<uint16_t>(lastProtocol) : element.protocol;
  writeKey(writer, NFTA_SET_ELEM_KEY, map, element.addressFrom, element.protocol, element.portFrom);
  if (map.interval()) {
    writeKey(writer, NFTA_SET_ELEM_KEY_END, map, element.addressTo, last, element.portTo);
  }
  if (detail == Detail::full) {
    const size_t data = writer.beginNest(NFTA_SET_ELEM_DATA);
    writer.value(NFTA_DATA_VALUE, element.mark); // host order, like `meta mark`
    writer.endNest(data);
    writeUserData(writer, NFTA_SET_ELEM_USERDATA, element);
  }
  writer.endNest(nest);
}

bool readElements(Bytes list, const MapDefinition& map, std::vector<Element>& rows, std::string& problem) {
  netlink::AttributeReader reader(list);
  netlink::Attribute attribute;
  while (reader.next(attribute)) {
    if (!readElement(attribute.payload, map, rows.emplace_back(), problem)) {
      return false;
    }
  }
  return !reader.malformed();
}

bool keyLess(const Element& left, const Element& right) {
  if (left.family != right.family) {
    return left.family < right.family;
  }
  for (const auto address : {&Element::addressFrom, &Element::addressTo, &Element::sourceFrom, &Element::sourceTo}) {
    if (const int order = std::memcmp(left.*address, right.*address, sizeof left.addressFrom); order != 0) {
      return order < 0;
    }
  }
  if (const int order = std::strncmp(left.interface, right.interface, sizeof left.interface); order != 0) {
    return order < 0;
  }
  const auto rest = [](const Element& element) {
    // The mark of an element is data, not key. Rules with different marks are different rules.
    return std::tuple(element.protocol, element.portFrom, element.portTo, element.place, element.mask,
                      element.sourcePortFrom, element.sourcePortTo, element.targetPort,
                      isRule(element) ? element.mark : 0);
  };
  return rest(left) < rest(right);
}

} // namespace nftables
