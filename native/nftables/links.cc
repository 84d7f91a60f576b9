#include "nftables/links.h"

#include "nftables/rule_reader.h"

#include <algorithm>

namespace nftables {
namespace {

// True for a rule without matches, except for the family.
bool isUnconditional(const ParsedRule& rule) {
  return !rule.source.given && !rule.destination.given && !rule.sourcePort.given && !rule.destinationPort.given &&
         !rule.protocol && rule.interface.empty();
}

uint64_t handleOf(Bytes attributes) {
  const Bytes handle = findAttribute(attributes, NFTA_RULE_HANDLE);
  return handle.size() == sizeof(uint64_t) ? netlink::networkOrder(netlink::load<uint64_t>(handle.data())) : 0;
}

} // namespace

bool LinkReader::take(const Message& message) {
  Bytes attributes;
  if (!messageAttributes(message, NFT_MSG_NEWRULE, attributes)) {
    return false;
  }
  const std::string name = readText(findAttribute(attributes, NFTA_RULE_CHAIN));
  const auto* definition = std::ranges::find_if(chains, [&](const ChainDefinition& each) { return name == each.name; });
  if (definition == std::end(chains)) {
    return true;
  }
  const auto chain = static_cast<ChainNumber>(definition - std::begin(chains));
  const uint64_t handle = handleOf(attributes);
  const ParsedRule rule = parseRule(findAttribute(attributes, NFTA_RULE_EXPRESSIONS), NFPROTO_INET);
  if (takeJump(chain, handle, rule) || takeLookup(chain, handle, rule)) {
    return true;
  }
  if (chain == MARKS && rule.lookup.empty() && !rule.marks.empty()) {
    objects_.bridges.push_back(handle);
  } else if (rule.ends && rule.lookup.empty() && isUnconditional(rule) && rule.family == 0) {
    endings_.push_back({chain, handle});
  }
  return true;
}

// A misplaced jump is surplus, and the jump counts as missing.
bool LinkReader::takeJump(ChainNumber chain, uint64_t handle, const ParsedRule& rule) {
  const auto* jump = std::ranges::find_if(jumps, [&](const Jump& each) {
    return each.from == chain && rule.jump == chains[each.to].name && rule.supported && isUnconditional(rule) &&
           rule.family == 0;
  });
  if (jump == std::end(jumps)) {
    return false;
  }
  // Rules in `special` take precedence: the jump to it must be the last one.
  const bool late = jump->to == MARKS && std::ranges::any_of(jumps, [&](const Jump& other) {
                      return other.from == chain && other.to == SPECIAL && objects_.jump[&other - jumps];
                    });
  bool& present = objects_.jump[jump - std::begin(jumps)];
  if (present || late) {
    objects_.surplus.push_back({chain, handle});
  } else {
    present = true;
    addObstacles(chain);
  }
  return true;
}

bool LinkReader::takeLookup(ChainNumber chain, uint64_t handle, const ParsedRule& rule) {
  const auto* map = std::ranges::find_if(maps, [&](const MapDefinition& each) {
    return chain == MARKS && rule.lookup == each.name && rule.marks.size() == 1 && rule.marks[0].map == each.name &&
           isUnconditional(rule) && rule.family == each.family;
  });
  if (map == std::end(maps)) {
    return false;
  }
  bool& present = objects_.lookup[map - std::begin(maps)];
  if (present) {
    objects_.surplus.push_back({chain, handle});
  } else {
    present = true;
    addObstacles(chain);
  }
  return true;
}

// A link of `chain` was read: the endings in front of it are obstacles.
void LinkReader::addObstacles(ChainNumber chain) {
  const auto isHere = [chain](const RuleAt& rule) { return rule.chain == chain; };
  std::ranges::copy_if(endings_, std::back_inserter(objects_.obstacles), isHere);
  std::erase_if(endings_, isHere);
}

} // namespace nftables
