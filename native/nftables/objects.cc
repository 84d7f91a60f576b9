#include "nftables/objects.h"

#include "nftables/expressions.h"
#include "nftables/meaning.h"

#include <algorithm>
#include <cerrno>

namespace nftables {
namespace {

// The questions of findObjects(), by their place in the datagram. The first one is refused only when all are, and then
// answered alone (EPERM).
constexpr size_t generationAt = 0;
constexpr size_t tableAt = 1;
constexpr size_t chainAt = 2;
constexpr size_t mapAt = chainAt + chainCount;
constexpr size_t questions = mapAt + mapCount;

void ask(Batch& batch, const std::string& table) {
  (void)beginMessage(batch, NFT_MSG_GETGEN, 0);
  batch.end();
  batch.guard();
  Writer writer = beginMessage(batch, NFT_MSG_GETTABLE, 0);
  writer.text(NFTA_TABLE_NAME, table);
  batch.end();
  for (const ChainDefinition& chain : chains) {
    Writer question = beginMessage(batch, NFT_MSG_GETCHAIN, 0);
    question.text(NFTA_CHAIN_TABLE, table);
    question.text(NFTA_CHAIN_NAME, chain.name);
    batch.end();
  }
  for (const MapDefinition& map : maps) {
    Writer question = beginMessage(batch, NFT_MSG_GETSET, 0);
    question.text(NFTA_SET_TABLE, table);
    question.text(NFTA_SET_NAME, map.name);
    batch.end();
  }
  batch.acknowledge();
}

bool isOurs(const ChainDefinition& chain, Bytes attributes) {
  const Bytes hook = findAttribute(attributes, NFTA_CHAIN_HOOK);
  if (chain.type == nullptr || hook.empty()) {
    return chain.type == nullptr && hook.empty();
  }
  uint32_t number = 0;
  uint32_t order = 0;
  return readU32(findAttribute(hook, NFTA_HOOK_HOOKNUM), number) && number == chain.hook &&
         readU32(findAttribute(hook, NFTA_HOOK_PRIORITY), order) && static_cast<int32_t>(order) == chain.priority &&
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

// Takes in the answer to question `index`. Tables have no shape to get wrong.
bool takeAnswer(size_t index, const Message& message, Objects& objects, std::string& stranger) {
  Bytes attributes;
  if (index >= mapAt) {
    const MapDefinition& map = maps[index - mapAt];
    objects.map[index - mapAt] = true;
    if (!messageAttributes(message, NFT_MSG_NEWSET, attributes)) {
      return false;
    }
    if (!isOurs(map, attributes)) {
      stranger = std::string("map ") + map.name + " is not of the type (address . inet_proto" +
                 (map.ports() ? " . inet_service" : "") + " : mark)";
    }
    return true;
  }
  if (index >= chainAt) {
    const ChainDefinition& chain = chains[index - chainAt];
    objects.chain[index - chainAt] = true;
    if (!messageAttributes(message, NFT_MSG_NEWCHAIN, attributes)) {
      return false;
    }
    if (!isOurs(chain, attributes)) {
      stranger = std::string("chain ") + chain.name + " is not " +
                 (chain.type == nullptr ? std::string("one that others jump to")
                                        : std::string("of type ") + chain.type + " at hook " + chain.hookName +
                                              ", priority " + chain.priorityName);
    }
    return true;
  }
  if (index == generationAt) {
    return messageAttributes(message, NFT_MSG_NEWGEN, attributes) &&
           readU32(findAttribute(attributes, NFTA_GEN_ID), objects.generation);
  }
  objects.table = true;
  return messageAttributes(message, NFT_MSG_NEWTABLE, attributes);
}

// Rules are known by what they do, not by their handles or user data: those who reload a saved table, or write the rule
// themselves, get the same effect.
bool takeRule(const Message& message, Objects& objects) {
  Bytes attributes;
  if (!messageAttributes(message, NFT_MSG_NEWRULE, attributes)) {
    return false;
  }
  const std::string chain = readText(findAttribute(attributes, NFTA_RULE_CHAIN));
  const Meaning rule = interpret(findAttribute(attributes, NFTA_RULE_EXPRESSIONS), NFPROTO_INET);
  for (size_t i = 0; i < jumpCount; ++i) {
    const bool same = chain == chains[jumps[i].from].name && rule.jump == chains[jumps[i].to].name;
    objects.jump[i] = objects.jump[i] || same;
  }
  for (size_t i = 0; i < mapCount; ++i) {
    objects.lookup[i] = objects.lookup[i] || (chain == chains[MARKS].name && rule.lookup == maps[i].name);
  }
  const Bytes handle = findAttribute(attributes, NFTA_RULE_HANDLE);
  if (chain == chains[MARKS].name && rule.lookup.empty() && !rule.marks.empty() && handle.size() == sizeof(uint64_t)) {
    objects.bridges.push_back(netlink::networkOrder(netlink::load<uint64_t>(handle.data())));
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
      writer.valueBigEndian(NFTA_SET_FIELD_LEN, static_cast<uint32_t>(length)); // bytes, whatever the header says
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

// `flags`: NLM_F_APPEND, or 0: in front of the others.
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

Objects missingObjects(const Objects& existing, const Needs& needs) {
  // An empty table does nothing: leave it, or its absence, alone.
  Objects wanted;
  for (size_t i = 0; i < mapCount; ++i) {
    wanted.map[i] = wanted.lookup[i] = needs.map[i] || existing.map[i];
    wanted.chain[MARKS] = wanted.chain[MARKS] || wanted.map[i];
  }
  for (const ChainNumber chain : {SPECIAL, SRCNAT, DSTNAT}) {
    wanted.chain[chain] = needs.chain[chain] || existing.chain[chain];
  }
  for (size_t i = 0; i < jumpCount; ++i) {
    wanted.jump[i] = wanted.chain[jumps[i].to];
    wanted.chain[jumps[i].from] = wanted.chain[jumps[i].from] || wanted.jump[i];
  }
  wanted.table = std::ranges::find(wanted.chain, true) != std::end(wanted.chain);
  Objects missing;
  missing.table = wanted.table && !existing.table;
  const auto without = [](auto& result, const auto& all, const auto& found) {
    std::ranges::transform(all, found, std::begin(result), [](bool want, bool have) { return want && !have; });
  };
  without(missing.chain, wanted.chain, existing.chain);
  without(missing.jump, wanted.jump, existing.jump);
  without(missing.map, wanted.map, existing.map);
  without(missing.lookup, wanted.lookup, existing.lookup);
  return missing;
}

bool nothing(const Objects& objects) {
  const auto none = [](const auto& flags) { return std::ranges::find(flags, true) == std::end(flags); };
  return !objects.table && none(objects.chain) && none(objects.jump) && none(objects.map) && none(objects.lookup);
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
  for (size_t i = 0; i < jumpCount; ++i) {
    if (missing.jump[i]) {
      // The chain `special` has the last word.
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
