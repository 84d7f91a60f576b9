#include "nftables/objects.h"

#include "nftables/expressions.h"

#include <algorithm>
#include <cerrno>

namespace nftables {
namespace {

// The questions of findObjects(), by their place in the datagram. The first one is refused only when all are, and then
// answered alone (EPERM).
constexpr size_t generationAt = 0;
constexpr size_t tableAt = 1;
constexpr size_t baseAt = 3; // behind the chain `marks`
constexpr size_t mapAt = baseAt + std::size(baseChains);
constexpr size_t questions = mapAt + mapCount;

void ask(Batch& batch, const std::string& table) {
  (void)beginMessage(batch, NFT_MSG_GETGEN, 0);
  batch.end();
  batch.guard();
  Writer writer = beginMessage(batch, NFT_MSG_GETTABLE, 0);
  writer.text(NFTA_TABLE_NAME, table);
  batch.end();
  const auto chain = [&](const char* name) {
    Writer question = beginMessage(batch, NFT_MSG_GETCHAIN, 0);
    question.text(NFTA_CHAIN_TABLE, table);
    question.text(NFTA_CHAIN_NAME, name);
    batch.end();
  };
  chain(marksChain);
  for (const BaseChain& base : baseChains) {
    chain(base.name);
  }
  for (const MapDefinition& map : maps) {
    Writer question = beginMessage(batch, NFT_MSG_GETSET, 0);
    question.text(NFTA_SET_TABLE, table);
    question.text(NFTA_SET_NAME, map.name);
    batch.end();
  }
  batch.acknowledge();
}

bool isOurs(const BaseChain& chain, Bytes attributes) {
  const Bytes hook = findAttribute(attributes, NFTA_CHAIN_HOOK);
  uint32_t number = 0;
  uint32_t order = 0;
  return readU32(findAttribute(hook, NFTA_HOOK_HOOKNUM), number) && number == chain.hook &&
         readU32(findAttribute(hook, NFTA_HOOK_PRIORITY), order) && static_cast<int32_t>(order) == priority &&
         readText(findAttribute(attributes, NFTA_CHAIN_TYPE)) == chain.type;
}

bool isOurs(const MapDefinition& map, Bytes attributes) {
  uint32_t flags = 0;
  uint32_t key = 0;
  uint32_t data = 0;
  constexpr uint32_t kind = NFT_SET_MAP | NFT_SET_INTERVAL;
  return readU32(findAttribute(attributes, NFTA_SET_FLAGS), flags) && (flags & kind) == (map.flags() & kind) &&
         readU32(findAttribute(attributes, NFTA_SET_KEY_LEN), key) && key == map.keyLength() &&
         readU32(findAttribute(attributes, NFTA_SET_DATA_LEN), data) && data == sizeof(Element::mark);
}

// Takes in the answer to question `index`. Tables and plain chains have no shape to get wrong.
bool takeAnswer(size_t index, const Message& message, Objects& objects, std::string& stranger) {
  Bytes attributes;
  if (index >= mapAt) {
    const MapDefinition& map = maps[index - mapAt];
    objects.map[index - mapAt] = true;
    if (!messageAttributes(message, NFT_MSG_NEWSET, attributes)) {
      return false;
    }
    if (!isOurs(map, attributes)) {
      stranger = std::string("map ") + map.name + " is not of the type (address . inet_proto . inet_service : mark)";
    }
    return true;
  }
  if (index >= baseAt) {
    const BaseChain& chain = baseChains[index - baseAt];
    objects.base[index - baseAt] = true;
    if (!messageAttributes(message, NFT_MSG_NEWCHAIN, attributes)) {
      return false;
    }
    if (!isOurs(chain, attributes)) {
      stranger = std::string("chain ") + chain.name + " is not of type " + chain.type + " at hook " + chain.name +
                 ", priority mangle";
    }
    return true;
  }
  if (index == generationAt) {
    return messageAttributes(message, NFT_MSG_NEWGEN, attributes) &&
           readU32(findAttribute(attributes, NFTA_GEN_ID), objects.generation);
  }
  (index == tableAt ? objects.table : objects.marks) = true;
  return messageAttributes(message, index == tableAt ? NFT_MSG_NEWTABLE : NFT_MSG_NEWCHAIN, attributes);
}

// Rules are known by what they do, not by their handles or user data: those who reload a saved table, or write the rule
// themselves, get the same effect.
bool takeRule(const Message& message, Objects& objects) {
  Bytes attributes;
  if (!messageAttributes(message, NFT_MSG_NEWRULE, attributes)) {
    return false;
  }
  const std::string chain = readText(findAttribute(attributes, NFTA_RULE_CHAIN));
  const RuleSummary rule = summarize(findAttribute(attributes, NFTA_RULE_EXPRESSIONS));
  for (size_t i = 0; i < std::size(baseChains); ++i) {
    objects.jump[i] = objects.jump[i] || (chain == baseChains[i].name && rule.jump == marksChain);
  }
  for (size_t i = 0; i < mapCount; ++i) {
    objects.lookup[i] = objects.lookup[i] || (chain == marksChain && rule.lookup == maps[i].name);
  }
  return true;
}

Failure findRules(netlink::Channel& channel, const std::string& table, const Control& control, Objects& objects) {
  Batch& batch = channel.compose();
  Writer writer = beginMessage(batch, NFT_MSG_GETRULE, NLM_F_DUMP);
  writer.text(NFTA_RULE_TABLE, table);
  batch.end();
  netlink::Answers answers;
  const Status status = channel.exchange(
      control, answers, [&objects](size_t, const Message& message) { return takeRule(message, objects); });
  if (!status.ok()) {
    return failureOf(0, status);
  }
  const netlink::Acknowledgement* refusal = answers.refusal(0);
  const bool gone = refusal != nullptr && refusal->error == ENOENT; // the table went away meanwhile
  return failureOf(0, refusal == nullptr || gone ? netlink::done() : netlink::rejected(refusal->error));
}

Writer beginCreation(Batch& batch, uint16_t message, const std::string& table) {
  const uint16_t append = message == NFT_MSG_NEWRULE ? NLM_F_APPEND : 0;
  Writer writer = beginMessage(batch, message, static_cast<uint16_t>(NLM_F_CREATE | append));
  // NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_SET_TABLE and NFTA_RULE_TABLE are all 1.
  writer.text(NFTA_TABLE_NAME, table);
  return writer;
}

void createBaseChain(Batch& batch, const std::string& table, const BaseChain& chain) {
  Writer writer = beginCreation(batch, NFT_MSG_NEWCHAIN, table);
  writer.text(NFTA_CHAIN_NAME, chain.name);
  writer.text(NFTA_CHAIN_TYPE, chain.type);
  const size_t hook = writer.beginNest(NFTA_CHAIN_HOOK);
  writer.valueBigEndian(NFTA_HOOK_HOOKNUM, chain.hook);
  writer.valueBigEndian(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(priority));
  writer.endNest(hook);
  writer.valueBigEndian(NFTA_CHAIN_POLICY, uint32_t{NF_ACCEPT});
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
  if (map.interval) {
    const size_t description = writer.beginNest(NFTA_SET_DESC);
    const size_t fields = writer.beginNest(NFTA_SET_DESC_CONCAT);
    for (const size_t length : {map.addressLength, size_t{1}, size_t{2}}) {
      const size_t field = writer.beginNest(NFTA_LIST_ELEM);
      writer.valueBigEndian(NFTA_SET_FIELD_LEN, static_cast<uint32_t>(length)); // bytes, whatever the header says
      writer.endNest(field);
    }
    writer.endNest(fields);
    writer.endNest(description);
  }
  // For nft: byte orders of keys (0: each field's own) and data (1: host). Without them it prints marks swapped.
  struct ByteOrder {
    uint8_t type;
    uint8_t length = 4;
    std::byte value[4] = {};
  } orders[2] = {{.type = 0}, {.type = 1}};
  netlink::store(orders[1].value, uint32_t{1});
  writer.attribute(NFTA_SET_USERDATA, orders, sizeof orders);
  batch.end();
}

template <typename Body> void createRule(Batch& batch, const std::string& table, const char* chain, Body body) {
  Writer writer = beginCreation(batch, NFT_MSG_NEWRULE, table);
  writer.text(NFTA_RULE_CHAIN, chain);
  const size_t expressions = writer.beginNest(NFTA_RULE_EXPRESSIONS);
  body(writer);
  writer.endNest(expressions);
  batch.end();
}

} // namespace

Failure findObjects(netlink::Channel& channel, const std::string& table, const Control& control, Objects& objects) {
  objects = {};
  std::string stranger;
  ask(channel.compose(), table);
  netlink::Answers answers;
  const Status status = channel.exchange(control, answers, [&](size_t index, const Message& message) {
    return index < questions && takeAnswer(index, message, objects, stranger);
  });
  if (!status.ok()) {
    return failureOf(0, status);
  }
  for (const netlink::Refusal& refusal : answers.refusals) {
    if (refusal.index == generationAt || refusal.ack.error != ENOENT) {
      return failureOf(0, refusalStatus(refusal.ack.error));
    }
  }
  if (!stranger.empty()) {
    Failure failure = failureOf(0, netlink::rejected(EEXIST));
    failure.attribute = "table";
    failure.message = stranger + "; choose another table";
    return failure;
  }
  return objects.table ? findRules(channel, table, control, objects) : failureOf(0, netlink::done());
}

Objects missingObjects(const Objects& existing, const bool (&wanted)[mapCount]) {
  Objects missing;
  bool any = false;
  for (size_t i = 0; i < mapCount; ++i) {
    missing.map[i] = wanted[i] && !existing.map[i];
    missing.lookup[i] = (wanted[i] || existing.map[i]) && !existing.lookup[i];
    any = any || wanted[i] || existing.map[i];
  }
  if (!any) {
    return missing; // an empty table does nothing: leave it, or its absence, alone
  }
  missing.table = !existing.table;
  missing.marks = !existing.marks;
  for (size_t i = 0; i < std::size(baseChains); ++i) {
    missing.base[i] = !existing.base[i];
    missing.jump[i] = !existing.jump[i];
  }
  return missing;
}

bool nothing(const Objects& objects) {
  const auto set = [](bool value) { return value; };
  return !objects.table && !objects.marks && std::ranges::none_of(objects.base, set) &&
         std::ranges::none_of(objects.jump, set) && std::ranges::none_of(objects.map, set) &&
         std::ranges::none_of(objects.lookup, set);
}

void createObjects(Batch& batch, const std::string& table, const Objects& missing) {
  if (missing.table) {
    (void)beginCreation(batch, NFT_MSG_NEWTABLE, table);
    batch.end();
  }
  if (missing.marks) {
    Writer writer = beginCreation(batch, NFT_MSG_NEWCHAIN, table);
    writer.text(NFTA_CHAIN_NAME, marksChain);
    batch.end();
  }
  for (size_t i = 0; i < std::size(baseChains); ++i) {
    if (missing.base[i]) {
      createBaseChain(batch, table, baseChains[i]);
    }
    if (missing.jump[i]) {
      createRule(batch, table, baseChains[i].name, [](Writer& writer) { writeJump(writer, marksChain); });
    }
  }
  for (size_t i = 0; i < mapCount; ++i) {
    if (missing.map[i]) {
      createMap(batch, table, maps[i], static_cast<uint32_t>(i + 1));
    }
    if (missing.lookup[i]) {
      createRule(batch, table, marksChain, [i](Writer& writer) { writeLookup(writer, maps[i]); });
    }
  }
}

} // namespace nftables
