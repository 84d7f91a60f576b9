// Evaluates the expressions of a rule for a partly known packet, as the nf_tables machine in the kernel does for a real
// one.
#pragma once

#include "nftables/trace.h"

#include <optional>

namespace nftables {

// The verdict of a rule.
struct RuleResult {
  static constexpr int32_t proceed = -1;     // NFT_CONTINUE
  static constexpr int32_t undefined = -100; // not predictable: NAT, queue
  Truth reached = Truth::yes;                // whether the packet matches, so that the verdict is reached
  Verdict verdict{proceed, {}};
};

// A match for a mark at a time when the packet had none.
struct EarlyMarkMatch {
  uint32_t mark;
  RulePlace place;
};

class RuleEvaluator {
public:
  RuleEvaluator(const TracedPacket& packet, PacketContext context);

  // Called before each base chain. Connection tracking has priority -200 (NF_IP_PRI_CONNTRACK).
  void enter(uint32_t hook, int32_t priority);

  // `certain`: whether the packet certainly reaches the rule.
  [[nodiscard]] RuleResult run(const RulesetTable& table, const RulesetRule& rule, bool certain,
                               const RulePlace& place);

  [[nodiscard]] const KnownWord& mark() const { return mark_; }
  [[nodiscard]] const KnownWord& former() const { return former_; }
  [[nodiscard]] const RulePlace& markPlace() const { return markPlace_; }
  [[nodiscard]] const std::vector<EarlyMarkMatch>& earlyMatches() const { return earlyMatches_; }

private:
  static constexpr size_t registerBytes = 64;
  enum class Tag : uint8_t { none, interface, index, mark }; // origin of a register's value

  using Handler = void (RuleEvaluator::*)(Bytes data);
  void take(const std::string& name, Bytes data);
  void need(Truth condition) { result_.reached = both(result_.reached, condition); }
  void finish(const Verdict& verdict) { result_.verdict = verdict; }
  [[nodiscard]] bool sure() const { return certain_ && result_.reached == Truth::yes; }

  [[nodiscard]] std::span<KnownByte> at(Bytes data, uint16_t attribute, size_t length = registerBytes);
  void put(Bytes data, uint16_t attribute, std::span<const KnownByte> bytes, Tag tag = Tag::none);
  void putWord(Bytes data, uint16_t attribute, const KnownWord& word, Tag tag = Tag::none);
  void putUnknown(Bytes data, uint16_t attribute);
  [[nodiscard]] Tag& tagOf(Bytes data, uint16_t attribute);
  [[nodiscard]] Truth find(const RulesetSet& set, std::span<const KnownByte> key, Tag tag,
                           const SetEntry*& found) const;
  [[nodiscard]] bool tracked() const { return (state() & ~(1U | 64U)) != 0; }
  [[nodiscard]] uint32_t state() const { return beforeTracking_ && state_ != 64 ? 1 : state_; }
  void setMark(const KnownWord& mark);
  void setConnectionMark(const KnownWord& mark) { connectionMark_ = sure() ? mark : connectionMark_.joined(mark); }
  void recordMarkMatch(uint32_t mark);
  void putInterface(Bytes data, const Interface& interface);
  void putIndex(Bytes data, const Interface& interface);

  void meta(Bytes data);
  void payload(Bytes data);
  void connection(Bytes data);
  void bitwise(Bytes data);
  void byteorder(Bytes data);
  void compare(Bytes data);
  void range(Bytes data);
  void immediate(Bytes data);
  void lookup(Bytes data);
  void fib(Bytes data);
  void dynamicSet(Bytes data);
  void notrack(Bytes data);
  void reject(Bytes data);
  void unpredictable(Bytes data);
  void match(Bytes data);
  void target(Bytes data);
  void connectionMark(Bytes info, uint32_t revision);
  void ignore(Bytes /*data*/) {}

  uint8_t family_;
  uint8_t protocol_;
  PacketContext context_;
  uint32_t state_;
  bool beforeTracking_ = false;
  KnownWord mark_;
  KnownWord former_;
  KnownWord connectionMark_ = KnownWord::of(0);
  RulePlace markPlace_;
  std::vector<EarlyMarkMatch> earlyMatches_;
  std::array<KnownByte, 40> network_{};
  std::array<KnownByte, 20> transport_{};

  // State of the current rule.
  const RulesetTable* table_ = nullptr;
  const RulePlace* place_ = nullptr;
  bool certain_ = true;
  RuleResult result_;
  std::array<KnownByte, registerBytes> registers_{};
  std::array<Tag, registerBytes / 4> tags_{};
};

} // namespace nftables
