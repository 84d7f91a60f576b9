#include "nftables/rule_evaluator.h"

#include "nftables/expression_values.h"

#include <net/if.h>

#include <algorithm>

namespace nftables {
namespace {

// Offset of a register. Registers 1 to 4 have 16 bytes; 8 to 23 are the same memory in words of 4 bytes.
size_t byteOf(uint32_t number) {
  if (number >= NFT_REG_1 && number <= NFT_REG_4) {
    return size_t{number - NFT_REG_1} * 16;
  }
  return number >= NFT_REG32_00 && number <= NFT_REG32_15 ? size_t{number - NFT_REG32_00} * 4 : 64;
}

template <size_t Size> void fill(std::array<KnownByte, Size>& header, size_t at, Bytes bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    header[at + i] = KnownByte::of(bytes[i]);
  }
}

void fillPort(std::array<KnownByte, 20>& header, size_t at, uint16_t port) {
  header[at] = knownByte(port >> 8);
  header[at + 1] = knownByte(port & 255);
}

bool given(const TracedPacket& packet, TracedPacketPart part) { return (packet.present >> (part - 1) & 1) != 0; }

constexpr unsigned synchronise = 0x02;
constexpr unsigned acknowledge = 0x10;

} // namespace

RuleEvaluator::RuleEvaluator(const TracedPacket& packet, PacketContext context)
    : family_(packet.family), protocol_(packet.protocol), context_(std::move(context)), state_(packet.state),
      mark_(KnownWord::of(packet.mark)), former_(mark_) {
  const bool four = packet.family == AF_INET;
  const size_t length = four ? 4 : 16;
  network_[four ? 9 : 6] = knownByte(packet.protocol);
  if (given(packet, PACKET_SOURCE)) {
    fill(network_, four ? 12 : 8, Bytes(packet.source).first(length));
  }
  if (given(packet, PACKET_DESTINATION)) {
    fill(network_, four ? 16 : 24, Bytes(packet.destination).first(length));
  }
  if (given(packet, PACKET_SOURCE_PORT)) {
    fillPort(transport_, 0, packet.sourcePort);
  }
  if (given(packet, PACKET_DESTINATION_PORT)) {
    fillPort(transport_, 2, packet.destinationPort);
  }
  if (packet.protocol == IPPROTO_TCP) {
    const bool reply = packet.path == static_cast<uint8_t>(Path::through);
    transport_[13] = knownByte(reply ? synchronise | acknowledge : synchronise);
  }
}

void RuleEvaluator::enter(uint32_t hook, int32_t priority) {
  constexpr int32_t tracking = -200;
  beforeTracking_ = priority <= tracking && (hook == NF_INET_PRE_ROUTING || hook == NF_INET_LOCAL_OUT);
}

RuleResult RuleEvaluator::run(const RulesetTable& table, const RulesetRule& rule, bool certain,
                              const RulePlace& place) {
  table_ = &table;
  place_ = &place;
  certain_ = certain;
  result_ = {};
  registers_ = {};
  tags_ = {};
  netlink::AttributeReader reader(rule.expressions);
  netlink::Attribute element;
  while (result_.reached != Truth::no && result_.verdict.code == RuleResult::proceed && reader.next(element)) {
    take(readText(findAttribute(element.payload, NFTA_EXPR_NAME)), findAttribute(element.payload, NFTA_EXPR_DATA));
  }
  return result_;
}

void RuleEvaluator::take(const std::string& name, Bytes data) {
  static constexpr std::pair<const char*, Handler> handlers[] = {
      {"meta", &RuleEvaluator::meta},           {"payload", &RuleEvaluator::payload},
      {"ct", &RuleEvaluator::connection},       {"bitwise", &RuleEvaluator::bitwise},
      {"byteorder", &RuleEvaluator::byteorder}, {"cmp", &RuleEvaluator::compare},
      {"range", &RuleEvaluator::range},         {"immediate", &RuleEvaluator::immediate},
      {"lookup", &RuleEvaluator::lookup},       {"fib", &RuleEvaluator::fib},
      {"dynset", &RuleEvaluator::dynamicSet},   {"notrack", &RuleEvaluator::notrack},
      {"reject", &RuleEvaluator::reject},       {"match", &RuleEvaluator::match},
      {"target", &RuleEvaluator::target},       {"counter", &RuleEvaluator::ignore},
      {"log", &RuleEvaluator::ignore},          {"objref", &RuleEvaluator::ignore},
      {"last", &RuleEvaluator::ignore},         {"nat", &RuleEvaluator::unpredictable},
      {"redir", &RuleEvaluator::unpredictable}, {"masq", &RuleEvaluator::unpredictable},
      {"queue", &RuleEvaluator::unpredictable}, {"tproxy", &RuleEvaluator::ignore},
      {"fwd", &RuleEvaluator::unpredictable},   {"synproxy", &RuleEvaluator::unpredictable},
      {"dup", &RuleEvaluator::ignore},          {"flow_offload", &RuleEvaluator::ignore},
  };
  const auto* found = std::ranges::find(handlers, name, [](const auto& handler) { return handler.first; });
  if (found != std::end(handlers)) {
    (this->*found->second)(data);
    return;
  }
  // Limits, quotas, unsupported expressions: the packet may match or not, and any register may be overwritten.
  need(Truth::maybe);
  registers_ = {};
  tags_ = {};
}

std::span<KnownByte> RuleEvaluator::at(Bytes data, uint16_t attribute, size_t length) {
  const size_t start = std::min(byteOf(number(data, attribute)), registerBytes);
  return std::span(registers_).subspan(start, std::min(length, registerBytes - start));
}

RuleEvaluator::Tag& RuleEvaluator::tagOf(Bytes data, uint16_t attribute) {
  return tags_[std::min(byteOf(number(data, attribute)) / 4, tags_.size() - 1)];
}

// Like the kernel, pads to whole words.
void RuleEvaluator::put(Bytes data, uint16_t attribute, std::span<const KnownByte> bytes, Tag tag) {
  const std::span<KnownByte> target = at(data, attribute, netlink::align4(bytes.size()));
  std::ranges::fill(target, knownByte(0));
  std::copy_n(bytes.begin(), std::min(bytes.size(), target.size()), target.begin());
  tagOf(data, attribute) = tag;
}

void RuleEvaluator::putWord(Bytes data, uint16_t attribute, const KnownWord& word, Tag tag) {
  put(data, attribute, bytesOf(word), tag);
}

void RuleEvaluator::putUnknown(Bytes data, uint16_t attribute) {
  std::ranges::fill(at(data, attribute, 16), KnownByte{});
  tagOf(data, attribute) = Tag::none;
}

void RuleEvaluator::setMark(const KnownWord& mark) {
  const KnownWord next = sure() ? mark : mark_.joined(mark);
  if (next == mark_) {
    return;
  }
  former_ = mark_;
  mark_ = next;
  markPlace_ = *place_;
}

void RuleEvaluator::recordMarkMatch(uint32_t mark) {
  if (mark != 0 && mark_ == KnownWord::of(0)) {
    earlyMatches_.push_back({mark, *place_});
  }
}

void RuleEvaluator::putInterface(Bytes data, const Interface& interface) {
  std::array<KnownByte, IFNAMSIZ> name{};
  if (interface.index != 0) {
    name.fill(knownByte(0));
    std::ranges::transform(interface.name.substr(0, IFNAMSIZ - 1), name.begin(),
                           [](char letter) { return KnownByte::of(static_cast<std::byte>(letter)); });
  }
  put(data, NFTA_META_DREG, name, Tag::interface);
}

void RuleEvaluator::putIndex(Bytes data, const Interface& interface) {
  putWord(data, NFTA_META_DREG, interface.index == 0 ? KnownWord{} : KnownWord::of(interface.index), Tag::index);
}

void RuleEvaluator::meta(Bytes data) {
  const uint32_t key = number(data, NFTA_META_KEY);
  if (!findAttribute(data, NFTA_META_SREG).empty()) {
    if (key == NFT_META_MARK) {
      setMark(wordOf(at(data, NFTA_META_SREG, 4)));
    }
    return;
  }
  switch (key) {
  case NFT_META_NFPROTO:
    return put(data, NFTA_META_DREG, std::array{knownByte(family_ == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6)});
  case NFT_META_L4PROTO:
    return put(data, NFTA_META_DREG, std::array{knownByte(protocol_)});
  case NFT_META_PROTOCOL:
    return put(data, NFTA_META_DREG,
               family_ == AF_INET ? std::array{knownByte(0x08), knownByte(0)}
                                  : std::array{knownByte(0x86), knownByte(0xdd)});
  case NFT_META_MARK:
    return putWord(data, NFTA_META_DREG, mark_, Tag::mark);
  case NFT_META_IIFNAME:
    return putInterface(data, context_.input);
  case NFT_META_OIFNAME:
    return putInterface(data, context_.output);
  case NFT_META_IIF:
    return putIndex(data, context_.input);
  case NFT_META_OIF:
    return putIndex(data, context_.output);
  default:
    return putUnknown(data, NFTA_META_DREG);
  }
}

void RuleEvaluator::payload(Bytes data) {
  if (findAttribute(data, NFTA_PAYLOAD_DREG).empty()) {
    return; // a write to the packet
  }
  const uint32_t base = number(data, NFTA_PAYLOAD_BASE);
  const size_t offset = number(data, NFTA_PAYLOAD_OFFSET);
  const size_t length = number(data, NFTA_PAYLOAD_LEN);
  std::span<const KnownByte> header;
  if (base == NFT_PAYLOAD_NETWORK_HEADER) {
    header = network_;
  } else if (base == NFT_PAYLOAD_TRANSPORT_HEADER) {
    header = transport_;
  }
  if (offset > header.size() || length > header.size() - offset) {
    return putUnknown(data, NFTA_PAYLOAD_DREG);
  }
  put(data, NFTA_PAYLOAD_DREG, header.subspan(offset, length));
}

// Without a tracked connection, only the state can be read; any other key ends the rule.
void RuleEvaluator::connection(Bytes data) {
  const uint32_t key = number(data, NFTA_CT_KEY);
  if (!findAttribute(data, NFTA_CT_SREG).empty()) {
    if (key == NFT_CT_MARK && tracked()) {
      setConnectionMark(wordOf(at(data, NFTA_CT_SREG, 4)));
    }
    return;
  }
  if (key == NFT_CT_STATE) {
    return putWord(data, NFTA_CT_DREG, KnownWord::of(state()));
  }
  if (!tracked()) {
    return need(Truth::no);
  }
  constexpr uint32_t translated = 0x30; // IPS_SRC_NAT | IPS_DST_NAT: clear, as the kernel's NAT is not involved
  switch (key) {
  case NFT_CT_MARK:
    return putWord(data, NFTA_CT_DREG, connectionMark_);
  case NFT_CT_STATUS:
    return putWord(data, NFTA_CT_DREG, {0, translated});
  case NFT_CT_DIRECTION:
    return put(data, NFTA_CT_DREG, std::array{knownByte(state_ == 8 ? 0 : 1)});
  default:
    return putUnknown(data, NFTA_CT_DREG);
  }
}

void RuleEvaluator::bitwise(Bytes data) {
  const size_t length = std::min<size_t>(number(data, NFTA_BITWISE_LEN), registerBytes);
  const Bytes mask = value(data, NFTA_BITWISE_MASK);
  const Bytes toggle = value(data, NFTA_BITWISE_XOR);
  const std::span<KnownByte> source = at(data, NFTA_BITWISE_SREG, length);
  if (number(data, NFTA_BITWISE_OP) != NFT_BITWISE_MASK_XOR || mask.size() != source.size() ||
      toggle.size() != source.size()) {
    return putUnknown(data, NFTA_BITWISE_DREG);
  }
  std::array<KnownByte, registerBytes> result;
  for (size_t i = 0; i < source.size(); ++i) {
    result[i] = source[i].masked(mask[i]).toggled(KnownByte::of(toggle[i]));
  }
  const Tag tag = tagOf(data, NFTA_BITWISE_SREG) == Tag::mark ? Tag::mark : Tag::none;
  put(data, NFTA_BITWISE_DREG, std::span(result).first(source.size()), tag);
}

void RuleEvaluator::byteorder(Bytes data) {
  const size_t length = std::min<size_t>(number(data, NFTA_BYTEORDER_LEN), registerBytes);
  const size_t size = number(data, NFTA_BYTEORDER_SIZE);
  const std::span<KnownByte> source = at(data, NFTA_BYTEORDER_SREG, length);
  std::array<KnownByte, registerBytes> result;
  std::ranges::copy(source, result.begin());
  for (size_t start = 0; size > 0 && start + size <= source.size(); start += size) {
    std::reverse(result.begin() + start, result.begin() + start + size);
  }
  put(data, NFTA_BYTEORDER_DREG, std::span(result).first(source.size()), tagOf(data, NFTA_BYTEORDER_SREG));
}

void RuleEvaluator::fib(Bytes data) {
  constexpr uint32_t localType = 2; // RTN_LOCAL
  const bool forDestination =
      (number(data, NFTA_FIB_FLAGS) & (NFTA_FIB_F_DADDR | NFTA_FIB_F_SADDR)) == NFTA_FIB_F_DADDR;
  if (number(data, NFTA_FIB_RESULT) == NFT_FIB_RESULT_ADDRTYPE && forDestination && context_.local == Truth::yes) {
    return putWord(data, NFTA_FIB_DREG, KnownWord::of(localType));
  }
  putUnknown(data, NFTA_FIB_DREG);
}

void RuleEvaluator::dynamicSet(Bytes data) {
  const bool conditional = !findAttribute(data, NFTA_DYNSET_EXPR).empty();
  need(conditional ? Truth::maybe : Truth::yes);
}

void RuleEvaluator::notrack(Bytes /*data*/) {
  if (sure()) {
    state_ = 64;
  }
}

void RuleEvaluator::reject(Bytes /*data*/) { finish({NF_DROP, {}}); }

void RuleEvaluator::unpredictable(Bytes /*data*/) { finish({RuleResult::undefined, {}}); }

} // namespace nftables
