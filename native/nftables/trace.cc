#include "nftables/trace.h"

#include "nftables/rule_evaluator.h"

#include <algorithm>

namespace nftables {
namespace {

// The kernel limits jumps to a depth of 16. mostRules bounds the work, as both branches of a condition may be followed.
constexpr int deepest = 16;
constexpr size_t mostRules = 1 << 20;

// IPVS handles requests at input, and replies at forward, just before the kernel's NAT (priority 100).
constexpr int32_t ipvsPriority = 98;

class Follower {
public:
  Follower(const Ruleset& ruleset, const TracedPacket& packet, const PacketContext& context)
      : ruleset_(ruleset), family_(packet.family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6),
        evaluator_(packet, context) {}

  // Evaluates the base chains of a hook. False: dropped.
  bool pass(uint32_t hook) {
    const bool meetsIpvs = hook == NF_INET_LOCAL_IN || hook == NF_INET_FORWARD;
    for (const HookedChain& hooked : ruleset_.at(hook, family_)) {
      if (meetsIpvs && hooked.chain->priority >= ipvsPriority) {
        break;
      }
      evaluator_.enter(hook, hooked.chain->priority);
      if (!passBase(hooked)) {
        trace_.outcome = Outcome::dropped;
        trace_.hook = hook;
        return false;
      }
    }
    return true;
  }

  Trace result() {
    if (trace_.outcome != Outcome::dropped && (unsure_ || rules_ > mostRules)) {
      trace_.outcome = Outcome::unknown;
    }
    trace_.mark = rules_ > mostRules ? KnownWord{} : evaluator_.mark();
    trace_.former = evaluator_.former();
    trace_.markPlace = evaluator_.markPlace();
    const auto& matches = evaluator_.earlyMatches();
    const auto asked = std::ranges::find_if(
        matches, [this](const EarlyMarkMatch& match) { return trace_.mark == KnownWord::of(match.mark); });
    if (asked != matches.end()) {
      trace_.asked = asked->place;
    }
    return trace_;
  }

private:
  // The possible verdicts of a base chain.
  struct Possible {
    bool accepted = false;
    bool dropped = false;
    bool other = false;
  };

  // False: the packet is certainly dropped.
  bool passBase(const HookedChain& hooked) {
    table_ = hooked.table;
    base_ = hooked.chain;
    possible_ = {};
    if (runChain(*base_, true, 0) != Truth::no) {
      record(base_->policy, placeOf(*base_, nullptr, 0));
    }
    certainly_ = certainly_ && possible_.accepted && !possible_.dropped && !possible_.other;
    if (possible_.dropped && !possible_.accepted && !possible_.other) {
      return false;
    }
    unsure_ = unsure_ || possible_.dropped || possible_.other;
    return true;
  }

  RulePlace placeOf(const RulesetChain& chain, const RulesetRule* rule, size_t position) const {
    return {table_->family,
            table_->name,
            base_->name,
            chain.name,
            rule == nullptr ? 0 : rule->handle,
            static_cast<uint32_t>(position),
            table_->flags};
  }

  void record(int32_t code, const RulePlace& place) {
    if (code == NF_ACCEPT) {
      possible_.accepted = true;
    } else if (code == NF_DROP) {
      possible_.dropped = true;
      trace_.place = place;
    } else {
      possible_.other = true;
    }
  }

  // Whether the packet reaches the end of the chain. `certain`: whether it certainly enters the chain.
  Truth runChain(const RulesetChain& chain, bool certain, int depth) {
    Truth open = Truth::yes;
    bool here = certain; // whether it certainly reaches the next rule
    size_t position = 0;
    for (const RulesetRule& rule : chain.rules) {
      if (++rules_ > mostRules) {
        return Truth::maybe;
      }
      const RulePlace place = placeOf(chain, &rule, ++position);
      const RuleResult end = evaluator_.run(*table_, rule, certainly_ && here, place);
      const bool surely = end.reached == Truth::yes;
      if (end.reached == Truth::no || end.verdict.code == RuleResult::proceed) {
        continue;
      }
      if (end.verdict.code == NFT_RETURN) {
        if (surely) {
          return open;
        }
        here = false;
        continue;
      }
      Truth out = Truth::no;
      const bool jumps = end.verdict.code == NFT_JUMP || end.verdict.code == NFT_GOTO;
      if (jumps) {
        out = follow(end.verdict.chain, here && surely, depth);
      } else {
        record(end.verdict.code, place);
      }
      if (surely && (out == Truth::no || end.verdict.code == NFT_GOTO)) {
        return both(open, out);
      }
      if (out != Truth::yes) {
        open = Truth::maybe;
        here = false;
      } else if (end.verdict.code == NFT_GOTO) {
        here = false;
      }
    }
    return open;
  }

  Truth follow(const std::string& name, bool certain, int depth) {
    const auto chain = table_->chains.find(name);
    return chain == table_->chains.end() || depth >= deepest ? Truth::maybe
                                                             : runChain(chain->second, certain, depth + 1);
  }

  const Ruleset& ruleset_;
  uint8_t family_;
  RuleEvaluator evaluator_;
  Trace trace_;
  const RulesetTable* table_ = nullptr;
  const RulesetChain* base_ = nullptr;
  Possible possible_;
  bool certainly_ = true; // whether it certainly reaches the next base chain
  bool unsure_ = false;
  size_t rules_ = 0;
};

} // namespace

Trace follow(const Ruleset& ruleset, const TracedPacket& packet, const PacketContext& context) {
  Follower follower(ruleset, packet, context);
  switch (static_cast<Path>(packet.path)) {
  case Path::arriving:
    (void)(follower.pass(NF_INET_PRE_ROUTING) && follower.pass(NF_INET_LOCAL_IN));
    break;
  case Path::through:
    (void)(follower.pass(NF_INET_PRE_ROUTING) && follower.pass(NF_INET_FORWARD));
    break;
  case Path::leaving:
    (void)follower.pass(NF_INET_POST_ROUTING);
    break;
  default:
    (void)follower.pass(NF_INET_LOCAL_OUT);
  }
  return follower.result();
}

} // namespace nftables
