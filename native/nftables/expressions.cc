#include "nftables/expressions.h"

namespace nftables {
namespace {

// Registers 1 to 4 have 16 bytes; 8 to 23 are the same memory in words of 4. Keys are put together in neighbouring
// words from register 1 on, padded to 4 bytes each: address, protocol, port.
constexpr uint32_t keyRegister = NFT_REG_1;

uint32_t protocolRegister(const MapDefinition& map) { return map.family == AF_INET ? NFT_REG32_01 : NFT_REG_2; }
uint32_t portRegister(const MapDefinition& map) { return map.family == AF_INET ? NFT_REG32_02 : NFT_REG32_05; }

// One expression: a list element with a name and its own attributes, which `body` writes.
template <typename Body> void writeExpression(Writer& writer, std::string_view name, Body body) {
  const size_t element = writer.beginNest(NFTA_LIST_ELEM);
  writer.text(NFTA_EXPR_NAME, name);
  const size_t data = writer.beginNest(NFTA_EXPR_DATA);
  body();
  writer.endNest(data);
  writer.endNest(element);
}

void writeMetaLoad(Writer& writer, uint32_t key, uint32_t destination) {
  writeExpression(writer, "meta", [&] {
    writer.valueBigEndian(NFTA_META_KEY, key);
    writer.valueBigEndian(NFTA_META_DREG, destination);
  });
}

void writePayload(Writer& writer, uint32_t base, uint32_t offset, uint32_t length, uint32_t destination) {
  writeExpression(writer, "payload", [&] {
    writer.valueBigEndian(NFTA_PAYLOAD_DREG, destination);
    writer.valueBigEndian(NFTA_PAYLOAD_BASE, base);
    writer.valueBigEndian(NFTA_PAYLOAD_OFFSET, offset);
    writer.valueBigEndian(NFTA_PAYLOAD_LEN, length);
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
  // Address offsets differ between the families that share the inet table: look at the family first.
  writeMetaLoad(writer, NFT_META_NFPROTO, keyRegister);
  writeExpression(writer, "cmp", [&] {
    writer.valueBigEndian(NFTA_CMP_SREG, keyRegister);
    writer.valueBigEndian(NFTA_CMP_OP, uint32_t{NFT_CMP_EQ});
    const size_t data = writer.beginNest(NFTA_CMP_DATA);
    writer.value(NFTA_DATA_VALUE, static_cast<uint8_t>(map.family));
    writer.endNest(data);
  });
  const auto addressLength = static_cast<uint32_t>(map.addressLength);
  writePayload(writer, NFT_PAYLOAD_NETWORK_HEADER, map.networkOffset, addressLength, keyRegister);
  writeMetaLoad(writer, NFT_META_L4PROTO, protocolRegister(map));
  writePayload(writer, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, portRegister(map)); // tcp, udp and sctp alike
  writeExpression(writer, "lookup", [&] {
    writer.valueBigEndian(NFTA_LOOKUP_SREG, keyRegister);
    writer.valueBigEndian(NFTA_LOOKUP_DREG, keyRegister);
    writer.text(NFTA_LOOKUP_SET, map.name);
  });
  writeExpression(writer, "meta", [&] {
    writer.valueBigEndian(NFTA_META_KEY, uint32_t{NFT_META_MARK});
    writer.valueBigEndian(NFTA_META_SREG, keyRegister);
  });
}

RuleSummary summarize(Bytes expressions) {
  RuleSummary summary;
  netlink::AttributeReader reader(expressions);
  netlink::Attribute element;
  while (reader.next(element)) {
    const std::string name = readText(findAttribute(element.payload, NFTA_EXPR_NAME));
    const Bytes data = findAttribute(element.payload, NFTA_EXPR_DATA);
    if (name == "lookup") {
      summary.lookup = readText(findAttribute(data, NFTA_LOOKUP_SET));
    } else if (name == "immediate") {
      const Bytes verdict = findAttribute(findAttribute(data, NFTA_IMMEDIATE_DATA), NFTA_DATA_VERDICT);
      summary.jump = readText(findAttribute(verdict, NFTA_VERDICT_CHAIN));
    }
  }
  return summary;
}

} // namespace nftables
