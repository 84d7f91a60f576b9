#include "nftables/expressions.h"

#include "nftables/prefix.h"

#include <cstring>

#include <linux/netfilter/nf_nat.h>

namespace nftables {
namespace {

// Registers 1 to 4 have 16 bytes; 8 to 23 are the same memory in words of 4 bytes. Keys are composed in adjacent words
// from register 1 on, padded to 4 bytes each: address, protocol, port.
constexpr uint32_t firstRegister = NFT_REG_1;

uint32_t protocolRegister(const MapDefinition& map) { return map.family == AF_INET ? NFT_REG32_01 : NFT_REG_2; }
uint32_t portRegister(const MapDefinition& map) { return map.family == AF_INET ? NFT_REG32_02 : NFT_REG32_05; }

// One expression: its name, and the attributes that `body` writes.
template <typename Body> void writeExpression(Writer& writer, uint16_t type, std::string_view name, Body body) {
  const size_t element = writer.beginNest(type);
  writer.text(NFTA_EXPR_NAME, name);
  const size_t data = writer.beginNest(NFTA_EXPR_DATA);
  body();
  writer.endNest(data);
  writer.endNest(element);
}

template <typename Body> void writeExpression(Writer& writer, std::string_view name, Body body) {
  writeExpression(writer, NFTA_LIST_ELEM, name, body);
}

void writeData(Writer& writer, uint16_t type, const void* data, size_t length) {
  const size_t nest = writer.beginNest(type);
  writer.attribute(NFTA_DATA_VALUE, data, length);
  writer.endNest(nest);
}

void writeMetaLoad(Writer& writer, uint32_t key, uint32_t destination) {
  writeExpression(writer, "meta", [&] {
    writer.valueBigEndian(NFTA_META_KEY, key);
    writer.valueBigEndian(NFTA_META_DREG, destination);
  });
}

void writeMarkSet(Writer& writer) {
  writeExpression(writer, "meta", [&] {
    writer.valueBigEndian(NFTA_META_KEY, uint32_t{NFT_META_MARK});
    writer.valueBigEndian(NFTA_META_SREG, firstRegister);
  });
}

void writePayload(Writer& writer, uint32_t base, uint32_t offset, size_t length, uint32_t destination) {
  writeExpression(writer, "payload", [&] {
    writer.valueBigEndian(NFTA_PAYLOAD_DREG, destination);
    writer.valueBigEndian(NFTA_PAYLOAD_BASE, base);
    writer.valueBigEndian(NFTA_PAYLOAD_OFFSET, offset);
    writer.valueBigEndian(NFTA_PAYLOAD_LEN, static_cast<uint32_t>(length));
  });
}

void writeCompare(Writer& writer, uint32_t operation, const void* data, size_t length) {
  writeExpression(writer, "cmp", [&] {
    writer.valueBigEndian(NFTA_CMP_SREG, firstRegister);
    writer.valueBigEndian(NFTA_CMP_OP, operation);
    writeData(writer, NFTA_CMP_DATA, data, length);
  });
}

void writeBitwise(Writer& writer, const void* mask, const void* toggle, size_t length) {
  writeExpression(writer, "bitwise", [&] {
    writer.valueBigEndian(NFTA_BITWISE_SREG, firstRegister);
    writer.valueBigEndian(NFTA_BITWISE_DREG, firstRegister);
    writer.valueBigEndian(NFTA_BITWISE_LEN, static_cast<uint32_t>(length));
    writeData(writer, NFTA_BITWISE_MASK, mask, length);
    writeData(writer, NFTA_BITWISE_XOR, toggle, length);
  });
}

void writeImmediate(Writer& writer, const void* data, size_t length) {
  writeExpression(writer, "immediate", [&] {
    writer.valueBigEndian(NFTA_IMMEDIATE_DREG, firstRegister);
    writeData(writer, NFTA_IMMEDIATE_DATA, data, length);
  });
}

void writeFamily(Writer& writer, uint16_t family) {
  // Address offsets differ between the two families of an inet table: check the family first.
  const auto value = static_cast<uint8_t>(family);
  writeMetaLoad(writer, NFT_META_NFPROTO, firstRegister);
  writeCompare(writer, NFT_CMP_EQ, &value, sizeof value);
}

// from <= loaded field <= to.
void writeBounds(Writer& writer, const void* from, const void* to, size_t length) {
  if (std::memcmp(from, to, length) == 0) {
    writeCompare(writer, NFT_CMP_EQ, from, length);
    return;
  }
  writeCompare(writer, NFT_CMP_GTE, from, length);
  writeCompare(writer, NFT_CMP_LTE, to, length);
}

void writeAddress(Writer& writer, uint16_t family, bool source, const std::byte* from, const std::byte* to) {
  const bool ipv4 = family == AF_INET;
  const size_t length = ipv4 ? 4 : 16;
  const uint32_t offset = source ? (ipv4 ? 12 : 8) : (ipv4 ? 16 : 24);
  const std::optional<size_t> prefix = prefixOf(from, to, length);
  if (!prefix) {
    writePayload(writer, NFT_PAYLOAD_NETWORK_HEADER, offset, length, firstRegister);
    writeBounds(writer, from, to, length);
  } else if (*prefix == 0) {
    return;                      // all addresses
  } else if (*prefix % 8 == 0) { // whole bytes: load only the prefix
    writePayload(writer, NFT_PAYLOAD_NETWORK_HEADER, offset, *prefix / 8, firstRegister);
    writeCompare(writer, NFT_CMP_EQ, from, *prefix / 8);
  } else {
    std::byte mask[16] = {};
    const std::byte zero[16] = {};
    for (size_t i = 0; i < length; ++i) {
      mask[i] = ~(from[i] ^ to[i]);
    }
    writePayload(writer, NFT_PAYLOAD_NETWORK_HEADER, offset, length, firstRegister);
    writeBitwise(writer, mask, zero, length);
    writeCompare(writer, NFT_CMP_EQ, from, length);
  }
}

// tcp, udp and sctp have ports at the same offsets.
void writePorts(Writer& writer, uint32_t offset, uint16_t from, uint16_t to) {
  if (anyPort(from, to)) {
    return;
  }
  const uint16_t first = netlink::networkOrder(from);
  const uint16_t last = netlink::networkOrder(to);
  writePayload(writer, NFT_PAYLOAD_TRANSPORT_HEADER, offset, sizeof first, firstRegister);
  writeBounds(writer, &first, &last, sizeof first);
}

void writeInterface(Writer& writer, const char (&name)[IFNAMSIZ]) {
  const size_t length = strnlen(name, sizeof name);
  if (length == 0) {
    return;
  }
  const bool open = name[length - 1] == '*';
  writeMetaLoad(writer, NFT_META_IIFNAME, firstRegister);
  writeCompare(writer, NFT_CMP_EQ, name, open ? length - 1 : sizeof name);
}

void writeMark(Writer& writer, uint32_t mark, uint32_t mask) {
  if (mask == UINT32_MAX) {
    writeImmediate(writer, &mark, sizeof mark); // host order, like `meta mark`
  } else {
    const uint32_t kept = ~mask;
    writeMetaLoad(writer, NFT_META_MARK, firstRegister);
    writeBitwise(writer, &kept, &mark, sizeof mark);
  }
  writeMarkSet(writer);
}

void writeCounts(Writer& writer, const Element& element) {
  if (element.packets != 0) { // continue a counter
    writer.valueBigEndian(NFTA_COUNTER_BYTES, element.bytes);
    writer.valueBigEndian(NFTA_COUNTER_PACKETS, element.packets);
  }
}

void writeRedirect(Writer& writer, uint16_t port) {
  const uint16_t target = netlink::networkOrder(port);
  if (port != 0) {
    writeImmediate(writer, &target, sizeof target);
  }
  writeExpression(writer, "redir", [&] {
    if (port != 0) {
      writer.valueBigEndian(NFTA_REDIR_REG_PROTO_MIN, firstRegister);
      writer.valueBigEndian(NFTA_REDIR_FLAGS, uint32_t{NF_NAT_RANGE_PROTO_SPECIFIED});
    }
  });
}

} // namespace

void writeJump(Writer& writer, std::string_view chain) {
  writeExpression(writer, "immediate", [&] {
    writer.valueBigEndian(NFTA_IMMEDIATE_DREG, uint32_t{NFT_REG_VERDICT});
    const size_t data = writer.beginNest(NFTA_IMMEDIATE_DATA);
    const size_t verdict = writer.beginNest(NFTA_DATA_VERDICT);
    writer.valueBigEndian(NFTA_VERDICT_CODE, static_cast<uint32_t>(NFT_JUMP));
    writer.text(NFTA_VERDICT_CHAIN, chain);
    writer.endNest(verdict);
    writer.endNest(data);
  });
}

void writeLookup(Writer& writer, const MapDefinition& map) {
  writeFamily(writer, map.family);
  writePayload(writer, NFT_PAYLOAD_NETWORK_HEADER, map.networkOffset(), map.addressLength(), firstRegister);
  writeMetaLoad(writer, NFT_META_L4PROTO, protocolRegister(map));
  if (map.ports()) {
    writePayload(writer, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, portRegister(map));
  }
  writeExpression(writer, "lookup", [&] {
    writer.valueBigEndian(NFTA_LOOKUP_SREG, firstRegister);
    writer.valueBigEndian(NFTA_LOOKUP_DREG, firstRegister);
    writer.text(NFTA_LOOKUP_SET, map.name);
  });
  writeMarkSet(writer);
}

void writeMapCounter(Writer& writer, uint16_t type) {
  writeExpression(writer, type, "counter", [] {});
}

void writeRule(Writer& writer, const Element& element) {
  writeFamily(writer, element.family);
  writeInterface(writer, element.interface);
  // The destination precedes the source: nft merges loads of adjacent fields in packet order into one match, and prints
  // it as one.
  writeAddress(writer, element.family, false, element.addressFrom, element.addressTo);
  writeAddress(writer, element.family, true, element.sourceFrom, element.sourceTo);
  if (element.protocol != 0) {
    const auto protocol = static_cast<uint8_t>(element.protocol);
    writeMetaLoad(writer, NFT_META_L4PROTO, firstRegister);
    writeCompare(writer, NFT_CMP_EQ, &protocol, sizeof protocol);
  }
  writePorts(writer, 2, element.portFrom, element.portTo);
  writePorts(writer, 0, element.sourcePortFrom, element.sourcePortTo);
  if (element.counter != 0) {
    writeExpression(writer, "counter", [&] { writeCounts(writer, element); });
  }
  switch (static_cast<Place>(element.place)) {
  case Place::srcnat:
    return writeExpression(writer, "masq", [] {});
  case Place::dstnat:
    return writeRedirect(writer, element.targetPort);
  default:
    return writeMark(writer, element.mark, element.mask);
  }
}

} // namespace nftables
