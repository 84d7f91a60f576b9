#include "nftables/table_objects.h"

#include "nftables/links.h"

#include <algorithm>
#include <cerrno>

namespace nftables {
namespace {

// The requests of readObjects(), by index in the datagram. If the kernel refuses all of them (EPERM), it replies to the
// first one only.
constexpr size_t generationAt = 0;
constexpr size_t tableAt = 1;
constexpr size_t chainAt = 2;
constexpr size_t mapAt = chainAt + chainCount;
constexpr size_t requestCount = mapAt + mapCount;

void appendRequests(Batch& batch, const std::string& table) {
  (void)beginMessage(batch, NFT_MSG_GETGEN, 0);
  batch.end();
  batch.guard();
  Writer writer = beginMessage(batch, NFT_MSG_GETTABLE, 0);
  writer.text(NFTA_TABLE_NAME, table);
  batch.end();
  for (const ChainDefinition& chain : chains) {
    Writer request = beginMessage(batch, NFT_MSG_GETCHAIN, 0);
    request.text(NFTA_CHAIN_TABLE, table);
    request.text(NFTA_CHAIN_NAME, chain.name);
    batch.end();
  }
  for (const MapDefinition& map : maps) {
    Writer request = beginMessage(batch, NFT_MSG_GETSET, 0);
    request.text(NFTA_SET_TABLE, table);
    request.text(NFTA_SET_NAME, map.name);
    batch.end();
  }
  batch.acknowledge();
}

bool hasType(const ChainDefinition& chain, Bytes attributes) {
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

bool hasType(const MapDefinition& map, Bytes attributes) {
  uint32_t flags = 0;
  uint32_t key = 0;
  uint32_t data = 0;
  constexpr uint32_t kind = NFT_SET_MAP | NFT_SET_INTERVAL;
  return readU32(findAttribute(attributes, NFTA_SET_FLAGS), flags) && (flags & kind) == (map.flags() & kind) &&
         readU32(findAttribute(attributes, NFTA_SET_KEY_LEN), key) && key == map.keyLength() &&
         readU32(findAttribute(attributes, NFTA_SET_DATA_LEN), data) && data == sizeof(Element::mark);
}

// Reads the reply to request `index`. `mismatch`: a chain or map of another type. Tables have no type.
bool takeReply(size_t index, const Message& message, Objects& objects, std::string& mismatch) {
  Bytes attributes;
  if (index >= mapAt) {
    const MapDefinition& map = maps[index - mapAt];
    objects.map[index - mapAt] = true;
    if (!messageAttributes(message, NFT_MSG_NEWSET, attributes)) {
      return false;
    }
    if (!hasType(map, attributes)) {
      mismatch = std::string("map ") + map.name + " is not of type (address . inet_proto" +
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
    if (!hasType(chain, attributes)) {
      mismatch = std::string("chain ") + chain.name + " is not " +
                 (chain.type == nullptr ? std::string("a regular chain (without hook)")
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
  if (!messageAttributes(message, NFT_MSG_NEWTABLE, attributes)) {
    return false;
  }
  (void)readU32(findAttribute(attributes, NFTA_TABLE_FLAGS), objects.tableFlags);
  objects.dormant = (objects.tableFlags & NFT_TABLE_F_DORMANT) != 0;
  return true;
}

Failure readLinks(netlink::Channel& channel, const std::string& table, const Control& control, Objects& objects) {
  Batch& batch = channel.compose();
  Writer writer = beginMessage(batch, NFT_MSG_GETRULE, NLM_F_DUMP);
  writer.text(NFTA_RULE_TABLE, table);
  batch.end();
  LinkReader reader(objects);
  netlink::Replies replies;
  const Status status =
      channel.exchange(control, replies, [&reader](size_t, const Message& message) { return reader.take(message); });
  if (!status.ok()) {
    return failureOf(0, status);
  }
  const netlink::Acknowledgement* refusal = replies.refusal(0);
  const bool gone = refusal != nullptr && refusal->error == ENOENT; // the table has been deleted meanwhile
  return failureOf(0, refusal == nullptr || gone ? netlink::done() : netlink::rejected(refusal->error));
}

} // namespace

Failure readObjects(netlink::Channel& channel, const std::string& table, const Control& control, Objects& objects) {
  objects = {};
  std::string mismatch;
  appendRequests(channel.compose(), table);
  netlink::Replies replies;
  const Status status = channel.exchange(control, replies, [&](size_t index, const Message& message) {
    return index < requestCount && takeReply(index, message, objects, mismatch);
  });
  if (!status.ok()) {
    return failureOf(0, status);
  }
  for (const netlink::Refusal& refusal : replies.refusals) {
    if (refusal.index == generationAt || refusal.ack.error != ENOENT) {
      return failureOf(0, refusalStatus(refusal.ack.error));
    }
  }
  if (!mismatch.empty()) {
    Failure failure = failureOf(0, netlink::rejected(EEXIST));
    failure.attribute = "table";
    failure.message = mismatch + "; choose another table";
    return failure;
  }
  return objects.table ? readLinks(channel, table, control, objects) : failureOf(0, netlink::done());
}

Needs needsOf(std::span<const Element> rows) {
  Needs needs;
  for (const Element& element : rows) {
    if (isRule(element)) {
      needs.chain[chainOf(static_cast<Place>(element.place))] = true;
    } else {
      needs.map[mapOf(element)] = true;
    }
  }
  return needs;
}

Needs withExisting(Needs needs, const Objects& existing) {
  for (size_t i = 0; i < mapCount; ++i) {
    needs.map[i] = needs.map[i] || existing.map[i];
  }
  for (const ChainNumber chain : {SPECIAL, SRCNAT, DSTNAT}) {
    needs.chain[chain] = needs.chain[chain] || existing.chain[chain];
  }
  return needs;
}

Objects missingObjects(const Objects& existing, const Needs& needs) {
  // An empty or missing table needs no repair.
  Objects wanted;
  for (size_t i = 0; i < mapCount; ++i) {
    wanted.map[i] = wanted.lookup[i] = needs.map[i];
    wanted.chain[MARKS] = wanted.chain[MARKS] || wanted.map[i];
  }
  for (const ChainNumber chain : {SPECIAL, SRCNAT, DSTNAT}) {
    wanted.chain[chain] = needs.chain[chain];
  }
  for (size_t i = 0; i < jumpCount; ++i) {
    wanted.jump[i] = wanted.chain[jumps[i].to];
    wanted.chain[jumps[i].from] = wanted.chain[jumps[i].from] || wanted.jump[i];
  }
  wanted.table = std::ranges::find(wanted.chain, true) != std::end(wanted.chain);
  Objects missing;
  missing.table = wanted.table && !existing.table;
  missing.dormant = wanted.table && existing.dormant;
  missing.tableFlags = existing.tableFlags;
  const auto without = [](auto& result, const auto& all, const auto& present) {
    std::ranges::transform(all, present, std::begin(result), [](bool want, bool have) { return want && !have; });
  };
  without(missing.chain, wanted.chain, existing.chain);
  without(missing.jump, wanted.jump, existing.jump);
  without(missing.map, wanted.map, existing.map);
  without(missing.lookup, wanted.lookup, existing.lookup);
  if (wanted.table) {
    missing.surplus = existing.surplus;
  }
  return missing;
}

bool isEmpty(const Objects& objects) {
  const auto none = [](const auto& flags) { return std::ranges::find(flags, true) == std::end(flags); };
  return !objects.table && !objects.dormant && objects.surplus.empty() && none(objects.chain) && none(objects.jump) &&
         none(objects.map) && none(objects.lookup);
}

} // namespace nftables
