// Matches and targets of iptables-nft.
#include "nftables/legacy_match.h"
#include "nftables/rule_evaluator.h"

#include <linux/netfilter/nf_tables_compat.h>

#include <algorithm>

namespace nftables {
namespace {

bool oneOf(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

uint32_t hostWord(Bytes info, size_t index) {
  const size_t at = index * sizeof(uint32_t);
  return info.size() < at + sizeof(uint32_t) ? 0 : netlink::load<uint32_t>(info.data() + at);
}

} // namespace

void RuleEvaluator::match(Bytes data) {
  const bool marked = readText(findAttribute(data, NFTA_MATCH_NAME)) == "mark";
  const Bytes info = findAttribute(data, NFTA_MATCH_INFO);
  if (marked && info.size() > 8 && info[8] == std::byte{0}) {
    recordMarkMatch(hostWord(info, 0));
  }
  need(legacyMatch(data, {transport_, mark_, state(), context_.local}));
}

// {ctmark, ctmask, nfmask, u8 mode}; since revision 2 {..., u8 direction, u8 bits, u8 mode}.
void RuleEvaluator::connectionMark(Bytes info, uint32_t revision) {
  if (!tracked()) {
    return;
  }
  const size_t modeAt = revision == 1 ? 12 : 14;
  const bool shifts = revision >= 2 && info.size() > 13 && info[13] != std::byte{0};
  if (revision < 1 || info.size() <= modeAt || shifts) {
    setMark({});
    return setConnectionMark({});
  }
  const uint32_t connectionMask = hostWord(info, 1);
  const uint32_t packetMask = hostWord(info, 2);
  switch (static_cast<unsigned>(info[modeAt])) {
  case 0: // XT_CONNMARK_SET
    return setConnectionMark(connectionMark_.masked(~connectionMask).toggled(KnownWord::of(hostWord(info, 0))));
  case 1: // XT_CONNMARK_SAVE
    return setConnectionMark(connectionMark_.masked(~connectionMask).toggled(mark_.masked(packetMask)));
  default: // XT_CONNMARK_RESTORE
    return setMark(mark_.masked(~packetMask).toggled(connectionMark_.masked(connectionMask)));
  }
}

void RuleEvaluator::target(Bytes data) {
  const std::string name = readText(findAttribute(data, NFTA_TARGET_NAME));
  const Bytes info = findAttribute(data, NFTA_TARGET_INFO);
  uint32_t revision = 0;
  (void)readU32(findAttribute(data, NFTA_TARGET_REV), revision);
  if (name == "MARK") {
    return setMark(revision == 2 ? mark_.masked(~hostWord(info, 1)).toggled(KnownWord::of(hostWord(info, 0)))
                                 : KnownWord{});
  }
  if (name == "CONNMARK") {
    return connectionMark(info, revision);
  }
  if (oneOf(name, {"REJECT", "TARPIT"})) {
    return finish({NF_DROP, {}});
  }
  if (name == "NOTRACK" || (name == "CT" && (hostWord(info, 0) & 1) != 0)) {
    return notrack(data);
  }
  if (oneOf(name, {"DNAT", "REDIRECT", "NETMAP", "SNAT", "MASQUERADE", "NFQUEUE", "SYNPROXY", "TPROXY"})) {
    return finish({RuleResult::undefined, {}});
  }
  if (!oneOf(name,
             {"LOG",         "NFLOG", "ULOG", "TCPMSS", "TOS", "DSCP", "CLASSIFY", "TRACE",   "CHECKSUM",  "SECMARK",
              "CONNSECMARK", "AUDIT", "SET",  "TEE",    "CT",  "HL",   "TTL",      "RATEEST", "IDLETIMER", "LED"})) {
    need(Truth::maybe);
    finish({RuleResult::undefined, {}});
  }
}

} // namespace nftables
