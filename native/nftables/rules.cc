#include "nftables/rules.h"

#include "nftables/expressions.h"
#include "nftables/rule_reader.h"
#include "nftables/user_data.h"

#include <algorithm>

namespace nftables {
namespace {

Writer beginRule(Batch& batch, uint16_t message, uint16_t flags, const std::string& table, const Element& element) {
  Writer writer = beginMessage(batch, message, flags);
  writer.text(NFTA_RULE_TABLE, table);
  writer.text(NFTA_RULE_CHAIN, chains[chainOf(static_cast<Place>(element.place))].name);
  return writer;
}

// Absent bounds mean the full range.
template <size_t Size>
void takeAddress(const Bounds& bounds, size_t length, std::byte (&from)[Size], std::byte (&to)[Size]) {
  if (bounds.given) {
    std::copy_n(bounds.from, length, from);
    std::copy_n(bounds.to, length, to);
  } else {
    std::fill_n(to, length, std::byte{0xff});
  }
}

void takePorts(const Bounds& bounds, uint16_t& from, uint16_t& to) {
  from = bounds.given ? netlink::networkOrder(netlink::load<uint16_t>(bounds.from)) : uint16_t{0};
  to = bounds.given ? netlink::networkOrder(netlink::load<uint16_t>(bounds.to)) : uint16_t{UINT16_MAX};
}

// Reads the rule's statements. False: not exactly the statement that the chain is for.
bool takeAction(const ParsedRule& rule, Place place, Element& element) {
  const bool redirects = rule.redirect.has_value();
  switch (place) {
  case Place::srcnat:
    return rule.masquerade && !redirects && rule.marks.empty();
  case Place::dstnat:
    element.targetPort = rule.redirect.value_or(0);
    return redirects && !rule.masquerade && rule.marks.empty();
  default:
    if (rule.masquerade || redirects || rule.marks.size() != 1) {
      return false;
    }
    element.mark = rule.marks[0].mark.value_or(0); // our rules never set mark 0
    element.mask = rule.marks[0].mask;
    return element.mark != 0;
  }
}

} // namespace

void appendRule(Batch& batch, const std::string& table, const Element& element) {
  const uint16_t flags =
      isQualified(element) ? NLM_F_CREATE | NLM_F_APPEND : NLM_F_CREATE; // the last match takes precedence
  Writer writer = beginRule(batch, NFT_MSG_NEWRULE, flags, table, element);
  const size_t expressions = writer.beginNest(NFTA_RULE_EXPRESSIONS);
  writeRule(writer, element);
  writer.endNest(expressions);
  writeUserData(writer, NFTA_RULE_USERDATA, element);
  batch.end();
}

void appendRuleRemoval(Batch& batch, const std::string& table, const Element& element) {
  Writer writer = beginRule(batch, NFT_MSG_DELRULE, 0, table, element);
  writer.valueBigEndian(NFTA_RULE_HANDLE, element.handle);
  batch.end();
}

bool isRow(Bytes attributes, Place& place) {
  const std::string chain = readText(findAttribute(attributes, NFTA_RULE_CHAIN));
  for (const Place candidate : {Place::special, Place::srcnat, Place::dstnat}) {
    if (chain == chains[chainOf(candidate)].name) {
      place = candidate;
      return true;
    }
  }
  return false;
}

bool readRule(Bytes attributes, Place place, Element& element, std::string& problem) {
  const Bytes handle = findAttribute(attributes, NFTA_RULE_HANDLE);
  if (handle.size() != sizeof element.handle) {
    return false;
  }
  element.handle = netlink::networkOrder(netlink::load<uint64_t>(handle.data()));
  const ParsedRule rule = parseRule(findAttribute(attributes, NFTA_RULE_EXPRESSIONS), NFPROTO_INET);
  const bool known = rule.supported && rule.family != 0 && rule.lookup.empty() && rule.jump.empty();
  if (!known || !takeAction(rule, place, element)) {
    problem = std::string("chain ") + chains[chainOf(place)].name + " has an unsupported rule (handle " +
              std::to_string(element.handle) + "); delete it with nft";
    return false;
  }
  const size_t length = rule.family == AF_INET ? 4 : 16;
  element.present = elementPresent;
  element.family = rule.family;
  element.protocol = rule.protocol.value_or(0);
  element.place = static_cast<uint8_t>(place);
  element.counter = rule.counter ? 1 : 0;
  element.packets = rule.packets;
  element.bytes = rule.bytes;
  element.mask = place == Place::special ? element.mask : UINT32_MAX;
  takeAddress(rule.source, length, element.sourceFrom, element.sourceTo);
  takeAddress(rule.destination, length, element.addressFrom, element.addressTo);
  takePorts(rule.sourcePort, element.sourcePortFrom, element.sourcePortTo);
  takePorts(rule.destinationPort, element.portFrom, element.portTo);
  rule.interface.copy(element.interface, sizeof element.interface - 1);
  readUserData(findAttribute(attributes, NFTA_RULE_USERDATA), element);
  return true;
}

} // namespace nftables
