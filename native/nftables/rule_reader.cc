#include "nftables/rule_reader.h"

#include "nftables/expression_values.h"
#include "nftables/legacy_target.h"
#include "nftables/match_reader.h"

#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <linux/netfilter/nf_nat.h>

namespace nftables {
namespace {

constexpr size_t words = 16;

// (value & mask) ^ xor: NFT_BITWISE_BOOL, which headers from Linux 6.13 on call NFT_BITWISE_MASK_XOR.
constexpr uint32_t maskAndXor = 0;

// Index of a register's first word. Registers 1 to 4 have 16 bytes; 8 to 23 are the same memory in words of 4 bytes.
size_t wordOf(uint32_t number) {
  if (number >= NFT_REG_1 && number <= NFT_REG_4) {
    return size_t{number - NFT_REG_1} * 4;
  }
  return number >= NFT_REG32_00 && number <= NFT_REG32_15 ? number - NFT_REG32_00 : words;
}

uint32_t hostWord(Bytes bytes) {
  uint32_t word = 0;
  std::memcpy(&word, bytes.data(), std::min(bytes.size(), sizeof word));
  return word;
}

// The content of a word of a register: (packet's mark & kept) ^ value if it is `computed`.
struct Word {
  enum class Kind : uint8_t { unknown, computed, lookup } kind = Kind::unknown;
  uint32_t kept = 0;
  uint32_t value = 0;
  std::string map;
};

class RuleReader {
public:
  using Field = MatchReader::Field;

  explicit RuleReader(uint8_t family) {
    rule_.family = family == NFPROTO_IPV4 ? AF_INET : family == NFPROTO_IPV6 ? AF_INET6 : 0;
  }

  void take(const std::string& name, Bytes data) {
    using Handler = void (RuleReader::*)(Bytes);
    static constexpr std::pair<const char*, Handler> handlers[] = {
        {"meta", &RuleReader::meta},      {"payload", &RuleReader::payload},     {"bitwise", &RuleReader::bitwise},
        {"cmp", &RuleReader::compare},    {"range", &RuleReader::range},         {"immediate", &RuleReader::immediate},
        {"lookup", &RuleReader::lookup},  {"counter", &RuleReader::counter},     {"masq", &RuleReader::masquerade},
        {"redir", &RuleReader::redirect}, {"target", &RuleReader::legacyTarget},
    };
    const auto* found = std::ranges::find(handlers, name, [](const auto& handler) { return handler.first; });
    if (found != std::end(handlers)) {
      (this->*found->second)(data);
      return;
    }
    // An unknown expression may write to any register.
    rule_.supported = false;
    words_ = {};
    field_.forget();
  }

  ParsedRule result() {
    rule_.supported = rule_.supported && !field_.loaded();
    return rule_;
  }

private:
  void markUnsupported() { rule_.supported = false; }

  void need(bool supported) { rule_.supported = rule_.supported && supported; }

  void forget(size_t word, size_t count = 4) {
    for (size_t at = word; at < std::min(words, word + count); ++at) {
      words_[at] = {};
    }
  }

  void load(Field field, size_t word, size_t length, size_t width) {
    field_.load(field, word, length, width);
    forget(word);
  }

  void meta(Bytes data) {
    const uint32_t key = number(data, NFTA_META_KEY);
    if (const Bytes source = findAttribute(data, NFTA_META_SREG); !source.empty()) {
      return key == NFT_META_MARK ? setMark(wordOf(number(data, NFTA_META_SREG))) : markUnsupported();
    }
    const size_t word = wordOf(number(data, NFTA_META_DREG));
    switch (key) {
    case NFT_META_NFPROTO:
      return load(Field::family, word, 1, 1);
    case NFT_META_L4PROTO:
      return load(Field::protocol, word, 1, 1);
    case NFT_META_IIFNAME:
      return load(Field::interface, word, IFNAMSIZ, IFNAMSIZ);
    case NFT_META_MARK:
      forget(word);
      if (word < words) {
        words_[word] = {Word::Kind::computed, UINT32_MAX, 0, {}};
      }
      return;
    default:
      markUnsupported();
      return forget(word);
    }
  }

  void setMark(size_t word) {
    const Word source = word < words ? words_[word] : Word{};
    const bool computed = source.kind == Word::Kind::computed;
    rule_.marks.push_back(computed ? markEffect(source.value, ~source.kept) : MarkEffect{});
    rule_.marks.back().map = source.map;
  }

  void payload(Bytes data) {
    const uint32_t base = number(data, NFTA_PAYLOAD_BASE);
    const uint32_t offset = number(data, NFTA_PAYLOAD_OFFSET);
    const uint32_t length = number(data, NFTA_PAYLOAD_LEN);
    const size_t word = wordOf(number(data, NFTA_PAYLOAD_DREG));
    if (word == words) {
      return markUnsupported(); // a write to the packet
    }
    struct Position {
      uint32_t base;
      uint8_t family; // 0: any
      uint32_t offset;
      uint32_t width;
      Field field;
    };
    static constexpr Position positions[] = {
        {NFT_PAYLOAD_NETWORK_HEADER, AF_INET, 12, 4, Field::source},
        {NFT_PAYLOAD_NETWORK_HEADER, AF_INET, 16, 4, Field::destination},
        {NFT_PAYLOAD_NETWORK_HEADER, AF_INET6, 8, 16, Field::source},
        {NFT_PAYLOAD_NETWORK_HEADER, AF_INET6, 24, 16, Field::destination},
        {NFT_PAYLOAD_TRANSPORT_HEADER, 0, 0, 2, Field::sourcePort},
        {NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, 2, Field::destinationPort},
    };
    const auto* found = std::ranges::find_if(positions, [&](const Position& position) {
      return position.base == base && position.offset == offset && length <= position.width &&
             (position.family == 0 || position.family == rule_.family);
    });
    if (found == std::end(positions)) {
      markUnsupported();
      return forget(word);
    }
    load(found->field, word, length, found->width);
  }

  void bitwise(Bytes data) {
    const size_t source = wordOf(number(data, NFTA_BITWISE_SREG));
    const size_t target = wordOf(number(data, NFTA_BITWISE_DREG));
    const Bytes mask = value(data, NFTA_BITWISE_MASK);
    const Bytes toggle = value(data, NFTA_BITWISE_XOR);
    const bool plain = number(data, NFTA_BITWISE_OP) == maskAndXor && mask.size() == toggle.size() && !mask.empty() &&
                       source < words && target < words;
    const Word before = source < words ? words_[source] : Word{};
    forget(target);
    if (field_.loadedAt(source)) {
      const bool zero = std::ranges::all_of(toggle, [](std::byte byte) { return byte == std::byte{0}; });
      need(plain && zero && target == source && field_.mask(mask));
    } else if (plain && before.kind == Word::Kind::computed && mask.size() == sizeof(uint32_t)) {
      words_[target] = {
          Word::Kind::computed, before.kept & hostWord(mask), (before.value & hostWord(mask)) ^ hostWord(toggle), {}};
    } else {
      markUnsupported();
    }
  }

  void compare(Bytes data) {
    const bool loaded = field_.loadedAt(wordOf(number(data, NFTA_CMP_SREG)));
    need(loaded && field_.compare(number(data, NFTA_CMP_OP), value(data, NFTA_CMP_DATA)));
  }

  void range(Bytes data) {
    const bool loaded = field_.loadedAt(wordOf(number(data, NFTA_RANGE_SREG)));
    need(loaded && number(data, NFTA_RANGE_OP) == NFT_RANGE_EQ &&
         field_.range(value(data, NFTA_RANGE_FROM_DATA), value(data, NFTA_RANGE_TO_DATA)));
  }

  void immediate(Bytes data) {
    const Bytes content = findAttribute(data, NFTA_IMMEDIATE_DATA);
    if (number(data, NFTA_IMMEDIATE_DREG) == NFT_REG_VERDICT) {
      const Bytes verdict = findAttribute(content, NFTA_DATA_VERDICT);
      const auto code = static_cast<int32_t>(number(verdict, NFTA_VERDICT_CODE));
      if (code == NFT_JUMP) {
        rule_.jump = readText(findAttribute(verdict, NFTA_VERDICT_CHAIN));
        return;
      }
      rule_.ends = code != NFT_CONTINUE;
      return markUnsupported();
    }
    const Bytes bytes = findAttribute(content, NFTA_DATA_VALUE);
    const size_t word = wordOf(number(data, NFTA_IMMEDIATE_DREG));
    forget(word);
    for (size_t at = 0; at < bytes.size() && word + at / 4 < words; at += 4) {
      words_[word + at / 4] = {Word::Kind::computed, 0, hostWord(bytes.subspan(at)), {}};
    }
  }

  void lookup(Bytes data) {
    rule_.lookup = readText(findAttribute(data, NFTA_LOOKUP_SET));
    field_.forget();
    markUnsupported();
    if (findAttribute(data, NFTA_LOOKUP_DREG).empty()) {
      return; // a set, not a map
    }
    const size_t word = wordOf(number(data, NFTA_LOOKUP_DREG));
    forget(word);
    if (word < words) {
      words_[word] = {Word::Kind::lookup, 0, 0, rule_.lookup};
    }
  }

  void counter(Bytes data) {
    const Bytes packets = findAttribute(data, NFTA_COUNTER_PACKETS);
    const Bytes bytes = findAttribute(data, NFTA_COUNTER_BYTES);
    if (packets.size() != sizeof(uint64_t) || bytes.size() != sizeof(uint64_t)) {
      return markUnsupported();
    }
    rule_.counter = true;
    rule_.packets = netlink::networkOrder(netlink::load<uint64_t>(packets.data()));
    rule_.bytes = netlink::networkOrder(netlink::load<uint64_t>(bytes.data()));
  }

  void masquerade(Bytes data) {
    const bool plain = number(data, NFTA_MASQ_FLAGS) == 0 && findAttribute(data, NFTA_MASQ_REG_PROTO_MIN).empty();
    rule_.masquerade = plain;
    need(plain);
  }

  void redirect(Bytes data) {
    if (findAttribute(data, NFTA_REDIR_REG_PROTO_MIN).empty()) {
      rule_.redirect = 0;
      return need(number(data, NFTA_REDIR_FLAGS) == 0);
    }
    const size_t word = wordOf(number(data, NFTA_REDIR_REG_PROTO_MIN));
    const Bytes last = findAttribute(data, NFTA_REDIR_REG_PROTO_MAX);
    const bool one = last.empty() || wordOf(number(data, NFTA_REDIR_REG_PROTO_MAX)) == word;
    if (!one || number(data, NFTA_REDIR_FLAGS) != NF_NAT_RANGE_PROTO_SPECIFIED || word >= words ||
        words_[word].kind != Word::Kind::computed || words_[word].kept != 0) {
      return markUnsupported();
    }
    rule_.redirect = netlink::networkOrder(static_cast<uint16_t>(words_[word].value)); // the register has network order
  }

  void legacyTarget(Bytes data) {
    markUnsupported();
    if (const auto effect = readLegacyTarget(data)) {
      rule_.marks.push_back(*effect);
    }
  }

  ParsedRule rule_;
  std::array<Word, words> words_;
  MatchReader field_{rule_};
};

} // namespace

bool readCounter(Bytes expression, uint64_t& packets, uint64_t& bytes) {
  if (readText(findAttribute(expression, NFTA_EXPR_NAME)) != "counter") {
    return false;
  }
  RuleReader reader(0);
  reader.take("counter", findAttribute(expression, NFTA_EXPR_DATA));
  const ParsedRule rule = reader.result();
  packets = rule.packets;
  bytes = rule.bytes;
  return rule.counter;
}

ParsedRule parseRule(Bytes expressions, uint8_t family) {
  RuleReader rule(family);
  netlink::AttributeReader reader(expressions);
  netlink::Attribute element;
  while (reader.next(element)) {
    rule.take(readText(findAttribute(element.payload, NFTA_EXPR_NAME)), findAttribute(element.payload, NFTA_EXPR_DATA));
  }
  return rule.result();
}

} // namespace nftables
