// Messages that create or repair the objects around the elements.
#include "nftables/expressions.h"
#include "nftables/table_objects.h"

namespace nftables {
namespace {

Writer beginCreation(Batch& batch, uint16_t message, const std::string& table, uint16_t flags = 0) {
  Writer writer = beginMessage(batch, message, static_cast<uint16_t>(NLM_F_CREATE | flags));
  // NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_SET_TABLE and NFTA_RULE_TABLE are all 1.
  writer.text(NFTA_TABLE_NAME, table);
  return writer;
}

void createChain(Batch& batch, const std::string& table, const ChainDefinition& chain) {
  Writer writer = beginCreation(batch, NFT_MSG_NEWCHAIN, table);
  writer.text(NFTA_CHAIN_NAME, chain.name);
  if (chain.type != nullptr) {
    writer.text(NFTA_CHAIN_TYPE, chain.type);
    const size_t hook = writer.beginNest(NFTA_CHAIN_HOOK);
    writer.valueBigEndian(NFTA_HOOK_HOOKNUM, chain.hook);
    writer.valueBigEndian(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(chain.priority));
    writer.endNest(hook);
    writer.valueBigEndian(NFTA_CHAIN_POLICY, uint32_t{NF_ACCEPT});
  }
  batch.end();
}

void createMap(Batch& batch, const std::string& table, const MapDefinition& map, uint32_t id) {
  Writer writer = beginCreation(batch, NFT_MSG_NEWSET, table);
  writer.text(NFTA_SET_NAME, map.name);
  writer.valueBigEndian(NFTA_SET_FLAGS, map.flags());
  writer.valueBigEndian(NFTA_SET_KEY_TYPE, map.keyType());
  writer.valueBigEndian(NFTA_SET_KEY_LEN, static_cast<uint32_t>(map.keyLength()));
  writer.valueBigEndian(NFTA_SET_DATA_TYPE, type::mark);
  writer.valueBigEndian(NFTA_SET_DATA_LEN, uint32_t{sizeof(Element::mark)});
  writer.valueBigEndian(NFTA_SET_ID, id);
  if (map.interval()) {
    const size_t description = writer.beginNest(NFTA_SET_DESC);
    const size_t fields = writer.beginNest(NFTA_SET_DESC_CONCAT);
    const auto field = [&writer](size_t length) {
      const size_t nest = writer.beginNest(NFTA_LIST_ELEM);
      writer.valueBigEndian(NFTA_SET_FIELD_LEN,
                            static_cast<uint32_t>(length)); // in bytes (the kernel header says bits)
      writer.endNest(nest);
    };
    field(map.addressLength());
    field(1);
    if (map.ports()) {
      field(2);
    }
    writer.endNest(fields);
    writer.endNest(description);
  }
  if (map.counted()) {
    writeMapCounter(writer, NFTA_SET_EXPR);
  }
  // User data for nft: byte order of keys (0: per field) and of data (1: host). Without it nft prints marks
  // byte-swapped.
  struct ByteOrder {
    uint8_t type;
    uint8_t length = 4;
    std::byte value[4] = {};
  } orders[2] = {{.type = 0}, {.type = 1}};
  netlink::store(orders[1].value, uint32_t{1});
  writer.attribute(NFTA_SET_USERDATA, orders, sizeof orders);
  batch.end();
}

// `flags`: NLM_F_APPEND, or 0 to insert at the front of the chain.
template <typename Body>
void createRule(Batch& batch, const std::string& table, const char* chain, uint16_t flags, Body body) {
  Writer writer = beginCreation(batch, NFT_MSG_NEWRULE, table, flags);
  writer.text(NFTA_RULE_CHAIN, chain);
  const size_t expressions = writer.beginNest(NFTA_RULE_EXPRESSIONS);
  body(writer);
  writer.endNest(expressions);
  batch.end();
}

} // namespace

void appendRuleRemoval(Batch& batch, const std::string& table, const RuleAt& rule) {
  Writer writer = beginMessage(batch, NFT_MSG_DELRULE, 0);
  writer.text(NFTA_RULE_TABLE, table);
  writer.text(NFTA_RULE_CHAIN, chains[rule.chain].name);
  writer.valueBigEndian(NFTA_RULE_HANDLE, rule.handle);
  batch.end();
}

void createObjects(Batch& batch, const std::string& table, const Objects& missing) {
  if (missing.table) {
    (void)beginCreation(batch, NFT_MSG_NEWTABLE, table);
    batch.end();
  }
  for (size_t i = 0; i < chainCount; ++i) {
    if (missing.chain[i]) {
      createChain(batch, table, chains[i]);
    }
  }
  if (missing.dormant) { // after the new chains: 5.10 registers only chains that exist at this point
    Writer writer = beginCreation(batch, NFT_MSG_NEWTABLE, table);
    writer.valueBigEndian(NFTA_TABLE_FLAGS, missing.tableFlags & ~uint32_t{NFT_TABLE_F_DORMANT});
    batch.end();
  }
  for (const RuleAt& rule : missing.surplus) {
    appendRuleRemoval(batch, table, rule);
  }
  for (size_t i = 0; i < jumpCount; ++i) {
    if (missing.jump[i]) {
      // The jump to `special` comes last, as its rules take precedence.
      const uint16_t flags = jumps[i].to == SPECIAL ? NLM_F_APPEND : 0;
      createRule(batch, table, chains[jumps[i].from].name, flags,
                 [i](Writer& writer) { writeJump(writer, chains[jumps[i].to].name); });
    }
  }
  for (size_t i = 0; i < mapCount; ++i) {
    if (missing.map[i]) {
      createMap(batch, table, maps[i], static_cast<uint32_t>(i + 1));
    }
    if (missing.lookup[i]) {
      createRule(batch, table, chains[MARKS].name, NLM_F_APPEND, [i](Writer& writer) { writeLookup(writer, maps[i]); });
    }
  }
}

} // namespace nftables
