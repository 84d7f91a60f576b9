// Builds rulesets from expressions, and traces packets through them.
#pragma once

#include "nftables/trace.h"

#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_tcpudp.h>

namespace traced {

using namespace nftables; // NOLINT

using Attributes = std::vector<std::byte>;

template <typename Body> Attributes attributes(Body body) {
  Attributes bytes;
  netlink::Writer writer(bytes);
  body(writer);
  return bytes;
}

template <typename Body> void put(Attributes& rule, std::string_view name, Body body) {
  netlink::Writer writer(rule);
  const size_t element = writer.beginNest(NFTA_LIST_ELEM);
  writer.text(NFTA_EXPR_NAME, name);
  const size_t data = writer.beginNest(NFTA_EXPR_DATA);
  body(writer);
  writer.endNest(data);
  writer.endNest(element);
}

template <typename T> void putData(netlink::Writer& writer, uint16_t type, const T& value) {
  const size_t nest = writer.beginNest(type);
  writer.attribute(NFTA_DATA_VALUE, &value, sizeof value);
  writer.endNest(nest);
}

// A rule; the calls have the order of its syntax in nft.
class Rule {
public:
  Rule& loadPort() { return load(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2); }
  Rule& loadSource() { return load(NFT_PAYLOAD_NETWORK_HEADER, 12, 4); }
  Rule& load(uint32_t base, uint32_t offset, uint32_t length) {
    put(bytes_, "payload", [=](netlink::Writer& writer) {
      writer.valueBigEndian(NFTA_PAYLOAD_DREG, uint32_t{NFT_REG_1});
      writer.valueBigEndian(NFTA_PAYLOAD_BASE, base);
      writer.valueBigEndian(NFTA_PAYLOAD_OFFSET, offset);
      writer.valueBigEndian(NFTA_PAYLOAD_LEN, length);
    });
    return *this;
  }
  Rule& meta(uint32_t key) { return key2("meta", NFTA_META_KEY, NFTA_META_DREG, key); }
  Rule& setMeta(uint32_t key) { return key2("meta", NFTA_META_KEY, NFTA_META_SREG, key); }
  Rule& ct(uint32_t key) { return key2("ct", NFTA_CT_KEY, NFTA_CT_DREG, key); }
  template <typename T> Rule& is(const T& value, uint32_t operation = NFT_CMP_EQ) {
    put(bytes_, "cmp", [&](netlink::Writer& writer) {
      writer.valueBigEndian(NFTA_CMP_SREG, uint32_t{NFT_REG_1});
      writer.valueBigEndian(NFTA_CMP_OP, operation);
      putData(writer, NFTA_CMP_DATA, value);
    });
    return *this;
  }
  Rule& bits(uint32_t mask, uint32_t toggle) {
    put(bytes_, "bitwise", [=](netlink::Writer& writer) {
      writer.valueBigEndian(NFTA_BITWISE_SREG, uint32_t{NFT_REG_1});
      writer.valueBigEndian(NFTA_BITWISE_DREG, uint32_t{NFT_REG_1});
      writer.valueBigEndian(NFTA_BITWISE_LEN, uint32_t{4});
      putData(writer, NFTA_BITWISE_MASK, mask);
      putData(writer, NFTA_BITWISE_XOR, toggle);
    });
    return *this;
  }
  Rule& value(uint32_t value) {
    put(bytes_, "immediate", [=](netlink::Writer& writer) {
      writer.valueBigEndian(NFTA_IMMEDIATE_DREG, uint32_t{NFT_REG_1});
      putData(writer, NFTA_IMMEDIATE_DATA, value);
    });
    return *this;
  }
  Rule& verdict(int32_t code, std::string_view chain = {}) {
    put(bytes_, "immediate", [=](netlink::Writer& writer) {
      writer.valueBigEndian(NFTA_IMMEDIATE_DREG, uint32_t{NFT_REG_VERDICT});
      const size_t data = writer.beginNest(NFTA_IMMEDIATE_DATA);
      const size_t nest = writer.beginNest(NFTA_DATA_VERDICT);
      writer.valueBigEndian(NFTA_VERDICT_CODE, static_cast<uint32_t>(code));
      if (!chain.empty()) {
        writer.text(NFTA_VERDICT_CHAIN, chain);
      }
      writer.endNest(nest);
      writer.endNest(data);
    });
    return *this;
  }
  Rule& lookup(uint32_t target = UINT32_MAX) {
    put(bytes_, "lookup", [=](netlink::Writer& writer) {
      writer.text(NFTA_LOOKUP_SET, "s");
      writer.valueBigEndian(NFTA_LOOKUP_SREG, uint32_t{NFT_REG_1});
      if (target != UINT32_MAX) {
        writer.valueBigEndian(NFTA_LOOKUP_DREG, target);
      }
    });
    return *this;
  }
  Rule& other(std::string_view name) {
    put(bytes_, name, [](netlink::Writer&) {});
    return *this;
  }
  template <typename Info>
  Rule& legacy(std::string_view kind, std::string_view name, uint32_t revision, const Info& info) {
    put(bytes_, kind, [&](netlink::Writer& writer) {
      writer.text(NFTA_MATCH_NAME, name);
      writer.valueBigEndian(NFTA_MATCH_REV, revision);
      writer.attribute(NFTA_MATCH_INFO, &info, sizeof info);
    });
    return *this;
  }
  operator RulesetRule() const { return {++handles, bytes_}; } // NOLINT

private:
  Rule& key2(std::string_view name, uint16_t key, uint16_t attribute, uint32_t value) {
    put(bytes_, name, [=](netlink::Writer& writer) {
      writer.valueBigEndian(key, value);
      writer.valueBigEndian(attribute, uint32_t{NFT_REG_1});
    });
    return *this;
  }
  static inline uint64_t handles = 0;
  Attributes bytes_;
};

inline uint16_t port(uint16_t number) { return netlink::networkOrder(number); }

struct Rules {
  Ruleset ruleset;

  RulesetTable& table(const std::string& name = "t", uint8_t family = NFPROTO_INET) {
    for (RulesetTable& table : ruleset.tables) {
      if (table.name == name) {
        return table;
      }
    }
    RulesetTable& table = ruleset.tables.emplace_back();
    table.family = family;
    table.name = name;
    table.handle = ruleset.tables.size();
    return table;
  }
  RulesetChain& chain(const std::string& name, std::vector<RulesetRule> rules = {}, const std::string& of = "t") {
    RulesetChain& chain = table(of).chains[name];
    chain.name = name;
    chain.rules = std::move(rules);
    return chain;
  }
  RulesetChain& base(uint32_t hook, int32_t policy, std::vector<RulesetRule> rules = {}, const std::string& of = "t",
                     int32_t priority = 0) {
    RulesetChain& made = chain("base" + std::to_string(hook), std::move(rules), of);
    made.base = true;
    made.hook = hook;
    made.policy = policy;
    made.priority = priority;
    return made;
  }
};

inline TracedPacket web(Path path = Path::arriving, uint8_t state = 8) {
  TracedPacket packet{};
  packet.family = AF_INET;
  packet.protocol = IPPROTO_TCP;
  packet.path = static_cast<uint8_t>(path);
  packet.state = state;
  packet.destination[0] = std::byte{172};
  packet.destination[3] = std::byte{100};
  packet.destinationPort = 80;
  packet.present = 1U << (PACKET_DESTINATION - 1) | 1U << (PACKET_DESTINATION_PORT - 1);
  return packet;
}

inline Trace trace(const Rules& rules, const TracedPacket& packet = web()) {
  return follow(rules.ruleset, packet, {Truth::yes, {}, {2, "back"}});
}
inline Outcome outcome(const Rules& rules, const TracedPacket& packet = web()) { return trace(rules, packet).outcome; }

} // namespace traced
