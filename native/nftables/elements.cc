#include "nftables/elements.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace nftables {
namespace {

// User data is a list of {u8 type, u8 length, value}. nft (libnftnl) gives type 0 to comments, type 1 to flags of its
// own, and skips what it does not know.
constexpr uint8_t commentData = 0;
constexpr uint8_t ruleData = 120;

// NFT_SET_ELEM_CATCHALL (5.13+): `*`, an element without key.
constexpr uint32_t catchAllFlag = 0x2;

constexpr size_t longestKey = 24;
using Key = std::array<std::byte, longestKey>;

// Where the fields of a key stand; each is padded to four bytes behind it.
size_t protocolOffset(const MapDefinition& map) { return map.addressLength; }
size_t portOffset(const MapDefinition& map) { return map.addressLength + 4; }

void writeKey(Writer& writer, uint16_t type, const MapDefinition& map, const std::byte* address, uint16_t protocol,
              uint16_t port) {
  Key key{};
  std::memcpy(key.data(), address, map.addressLength);
  key[protocolOffset(map)] = static_cast<std::byte>(protocol);
  netlink::store(key.data() + portOffset(map), netlink::networkOrder(port));
  const size_t nest = writer.beginNest(type);
  writer.attribute(NFTA_DATA_VALUE, key.data(), map.keyLength());
  writer.endNest(nest);
}

void writeUserData(Writer& writer, const Element& element) {
  std::array<std::byte, NFT_USERDATA_MAXLEN> data{};
  size_t size = 0;
  const auto add = [&](uint8_t type, const void* value, size_t length) {
    data[size] = static_cast<std::byte>(type);
    data[size + 1] = static_cast<std::byte>(length);
    std::memcpy(data.data() + size + 2, value, length);
    size += 2 + length;
  };
  if (const size_t length = strnlen(element.comment, sizeof element.comment - 1); length != 0) {
    char text[sizeof element.comment] = {};
    std::memcpy(text, element.comment, length);
    add(commentData, text, length + 1); // nft demands the NUL
  }
  if (element.rule != 0) {
    const uint64_t rule = netlink::networkOrder(element.rule);
    add(ruleData, &rule, sizeof rule);
  }
  if (size != 0) {
    writer.attribute(NFTA_SET_ELEM_USERDATA, data.data(), size);
  }
}

void readUserData(Bytes data, Element& element) {
  while (data.size() >= 2) {
    const auto type = static_cast<uint8_t>(data[0]);
    const auto length = static_cast<size_t>(data[1]);
    data = data.subspan(2);
    if (length > data.size()) {
      return; // not made by anything that speaks TLV
    }
    if (type == commentData) {
      const size_t room = sizeof element.comment - 1; // nft's own limit: a longer one cannot be from nft
      const size_t text = strnlen(reinterpret_cast<const char*>(data.data()), length);
      std::memcpy(element.comment, data.data(), std::min(text, room));
    } else if (type == ruleData && length == sizeof element.rule) {
      element.rule = netlink::networkOrder(netlink::load<uint64_t>(data.data()));
    }
    data = data.subspan(length);
  }
}

struct ElementAttributes {
  Bytes key;
  Bytes keyEnd;
  Bytes data;
  Bytes userData;
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
    case NFTA_SET_ELEM_FLAGS:
      if (!readU32(attribute.payload, found.flags)) {
        return false;
      }
      break;
    default:
      break; // timeouts, expressions of newer kernels
    }
  }
  return !reader.malformed();
}

constexpr uint32_t presentBits = (1U << std::size(elementFields)) - 1;

// `element` is all zero.
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
    return fail("a catch-all element (*), which belongs to no address; delete it with nft");
  }
  if (found.keyEnd.empty()) {
    found.keyEnd = found.key;
  }
  if (found.key.size() != map.keyLength() || found.keyEnd.size() != map.keyLength() ||
      found.data.size() != sizeof element.mark) {
    return fail("other keys or data than (address . protocol . port : mark)");
  }
  if (found.key[protocolOffset(map)] != found.keyEnd[protocolOffset(map)]) {
    return fail("an element for a range of protocols; delete it with nft");
  }
  element.present = presentBits;
  element.mark = netlink::load<uint32_t>(found.data.data());
  std::memcpy(element.addressFrom, found.key.data(), map.addressLength);
  std::memcpy(element.addressTo, found.keyEnd.data(), map.addressLength);
  element.family = map.family;
  element.protocol = static_cast<uint16_t>(found.key[protocolOffset(map)]);
  element.portFrom = netlink::networkOrder(netlink::load<uint16_t>(found.key.data() + portOffset(map)));
  element.portTo = netlink::networkOrder(netlink::load<uint16_t>(found.keyEnd.data() + portOffset(map)));
  element.interval = map.interval ? 1 : 0;
  readUserData(found.userData, element);
  return true;
}

} // namespace

void writeElement(Writer& writer, const MapDefinition& map, const Element& element, Detail detail) {
  const size_t nest = writer.beginNest(NFTA_LIST_ELEM);
  writeKey(writer, NFTA_SET_ELEM_KEY, map, element.addressFrom, element.protocol, element.portFrom);
  if (map.interval) {
    writeKey(writer, NFTA_SET_ELEM_KEY_END, map, element.addressTo, element.protocol, element.portTo);
  }
  if (detail == Detail::full) {
    const size_t data = writer.beginNest(NFTA_SET_ELEM_DATA);
    writer.value(NFTA_DATA_VALUE, element.mark); // host order, as `meta mark` is
    writer.endNest(data);
    writeUserData(writer, element);
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
  constexpr size_t length = sizeof left.addressFrom;
  if (const int order = std::memcmp(left.addressFrom, right.addressFrom, length); order != 0) {
    return order < 0;
  }
  if (const int order = std::memcmp(left.addressTo, right.addressTo, length); order != 0) {
    return order < 0;
  }
  return std::tie(left.protocol, left.portFrom, left.portTo, left.interval) <
         std::tie(right.protocol, right.portFrom, right.portTo, right.interval);
}

} // namespace nftables
