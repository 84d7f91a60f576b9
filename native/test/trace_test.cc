// Traces of packets through rulesets.
#include "trace_rules.h"

#include <doctest/doctest.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_tcpudp.h>

using namespace traced; // NOLINT

TEST_CASE("without rules packets are accepted and marks unchanged") {
  const Trace nothing = trace({});
  CHECK(nothing.outcome == Outcome::accepted);
  CHECK(nothing.mark == KnownWord::of(0));
  CHECK(nothing.markPlace.family == 0);
}

TEST_CASE("a policy, and rules for ports") {
  Rules rules;
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().loadPort().is(port(22)).verdict(NF_ACCEPT)});
  const Trace dropped = trace(rules);
  CHECK(dropped.outcome == Outcome::dropped);
  CHECK(dropped.hook == NF_INET_LOCAL_IN);
  CHECK(dropped.place.base == "base1");
  CHECK(dropped.place.position == 0);
  TracedPacket ssh = web();
  ssh.destinationPort = 22;
  CHECK(outcome(rules, ssh) == Outcome::accepted);
}

TEST_CASE("a verdict that depends on unknown properties is unknown, unless all branches drop") {
  Rules rules;
  const uint32_t sender = 0x0a;
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().loadSource().is(sender).verdict(NF_ACCEPT)});
  CHECK(outcome(rules) == Outcome::unknown);
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().other("limit").verdict(NF_ACCEPT)});
  CHECK(outcome(rules) == Outcome::unknown);
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().other("limit").verdict(NF_DROP)});
  CHECK(outcome(rules) == Outcome::dropped);
}

TEST_CASE("states of connections: nft, and iptables") {
  Rules rules;
  const uint32_t established = 2;
  const uint32_t zero = 0;
  rules.base(NF_INET_FORWARD, NF_DROP,
             {Rule().ct(NFT_CT_STATE).bits(established, 0).is(zero, NFT_CMP_NEQ).verdict(NF_ACCEPT)});
  CHECK(outcome(rules, web(Path::through, 1)) == Outcome::dropped);
  CHECK(outcome(rules, web(Path::through, 2)) == Outcome::accepted);
  xt_conntrack_mtinfo3 info{};
  info.match_flags = XT_CONNTRACK_STATE;
  info.state_mask = static_cast<uint16_t>(established);
  rules.base(NF_INET_FORWARD, NF_DROP, {Rule().legacy("match", "conntrack", 3, info).verdict(NF_ACCEPT)});
  CHECK(outcome(rules, web(Path::through, 1)) == Outcome::dropped);
  CHECK(outcome(rules, web(Path::through, 2)) == Outcome::accepted);
  // Before connection tracking there is no state.
  rules.base(NF_INET_PRE_ROUTING, NF_ACCEPT, {Rule().ct(NFT_CT_STATE).is(uint32_t{1}).verdict(NF_DROP)}, "raw", -300);
  CHECK(outcome(rules, web(Path::through, 2)) == Outcome::dropped);
}

TEST_CASE("jumps, returns and gotos") {
  Rules rules;
  rules.chain("accepting", {Rule().verdict(NF_ACCEPT)});
  rules.chain("returning", {Rule().verdict(NFT_RETURN), Rule().verdict(NF_DROP)});
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().verdict(NFT_JUMP, "returning"), Rule().verdict(NFT_JUMP, "accepting")});
  CHECK(outcome(rules) == Outcome::accepted);
  // The end of the target of a goto is followed by the policy.
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().verdict(NFT_GOTO, "returning"), Rule().verdict(NF_ACCEPT)});
  CHECK(outcome(rules) == Outcome::dropped);
  // Endless recursion, which the kernel does not allow.
  rules.chain("returning", {Rule().verdict(NFT_JUMP, "returning"), Rule().verdict(NFT_JUMP, "returning")});
  CHECK(outcome(rules) != Outcome::accepted);
}

TEST_CASE("sets, intervals and verdict maps") {
  Rules rules;
  const auto key = [](uint16_t number) {
    const uint16_t wire = port(number);
    const auto* bytes = reinterpret_cast<const std::byte*>(&wire);
    return std::vector<std::byte>{bytes, bytes + 2};
  };
  RulesetSet& set = rules.table().sets["s"];
  set.entries = {{key(70), key(90), false, false, {}, Verdict{NF_ACCEPT, {}}}};
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().loadPort().lookup().verdict(NF_ACCEPT)});
  CHECK(outcome(rules) == Outcome::accepted);
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().loadPort().lookup(NFT_REG_VERDICT)});
  CHECK(outcome(rules) == Outcome::accepted);
  TracedPacket beside = web();
  beside.destinationPort = 91;
  CHECK(outcome(rules, beside) == Outcome::dropped);
  beside.present = 1U << (PACKET_DESTINATION - 1); // any port
  CHECK(outcome(rules, beside) == Outcome::unknown);
}

TEST_CASE("matches of iptables for ports") {
  Rules rules;
  xt_tcp info{{0, UINT16_MAX}, {80, 80}, 0, 0, 0, 0};
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().legacy("match", "tcp", 0, info).verdict(NF_ACCEPT)});
  CHECK(outcome(rules) == Outcome::accepted);
  info.dpts[0] = 81;
  info.dpts[1] = 90;
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().legacy("match", "tcp", 0, info).verdict(NF_ACCEPT)});
  CHECK(outcome(rules) == Outcome::dropped);
  info.invflags = XT_TCP_INV_DSTPT;
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().legacy("match", "tcp", 0, info).verdict(NF_ACCEPT)});
  CHECK(outcome(rules) == Outcome::accepted);
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {Rule().legacy("match", "owner", 0, info).verdict(NF_ACCEPT)});
  CHECK(outcome(rules) == Outcome::unknown);
}

TEST_CASE("interfaces: unknown but not lo, or known") {
  Rules rules;
  const char loopback[16] = "lo";
  const char back[16] = "back";
  const auto accepts = [&](uint32_t hook, Rule rule) { rules.base(hook, NF_DROP, {rule.verdict(NF_ACCEPT)}); };
  accepts(NF_INET_LOCAL_IN, Rule().meta(NFT_META_IIFNAME).is(loopback));
  CHECK(outcome(rules) == Outcome::dropped);
  accepts(NF_INET_LOCAL_IN, Rule().meta(NFT_META_IIF).is(uint32_t{1}));
  CHECK(outcome(rules) == Outcome::dropped);
  accepts(NF_INET_LOCAL_IN, Rule().meta(NFT_META_IIFNAME).is(back));
  CHECK(outcome(rules) == Outcome::unknown);
  accepts(NF_INET_LOCAL_OUT, Rule().meta(NFT_META_OIFNAME).is(back));
  CHECK(outcome(rules, web(Path::sent)) == Outcome::accepted);
  accepts(NF_INET_LOCAL_OUT, Rule().meta(NFT_META_OIF).is(uint32_t{3}));
  CHECK(outcome(rules, web(Path::sent)) == Outcome::dropped);
}

TEST_CASE("marks: the last rule that changed the mark, and the mark before it") {
  Rules rules;
  rules.base(NF_INET_PRE_ROUTING, NF_ACCEPT, {Rule().value(7).setMeta(NFT_META_MARK)}, "t", -150);
  CHECK(trace(rules).mark == KnownWord::of(7));
  rules.base(NF_INET_PRE_ROUTING, NF_ACCEPT, {Rule().meta(NFT_META_MARK).bits(0xff, 0x100).setMeta(NFT_META_MARK)},
             "later", -140);
  const Trace bits = trace(rules);
  CHECK(bits.mark == KnownWord::of(0x107));
  CHECK(bits.former == KnownWord::of(7));
  CHECK(bits.markPlace.table == "later");
  CHECK(bits.markPlace.position == 1);
  // The connection is new, so it has saved no mark.
  rules.base(NF_INET_PRE_ROUTING, NF_ACCEPT, {Rule().ct(NFT_CT_MARK).setMeta(NFT_META_MARK)}, "later", -140);
  CHECK(trace(rules).mark == KnownWord::of(0));
  const uint32_t zero = 0;
  rules.base(NF_INET_PRE_ROUTING, NF_ACCEPT,
             {Rule().ct(NFT_CT_MARK).is(zero, NFT_CMP_NEQ).ct(NFT_CT_MARK).setMeta(NFT_META_MARK)}, "later", -140);
  CHECK(trace(rules).mark == KnownWord::of(7));
  // A conditional change.
  const uint32_t sender = 0x0a;
  rules.base(NF_INET_PRE_ROUTING, NF_ACCEPT, {Rule().loadSource().is(sender).value(6).setMeta(NFT_META_MARK)}, "later",
             -140);
  CHECK(trace(rules).mark == KnownWord{6, ~uint32_t{1}});
}

TEST_CASE("of chains with the same priority the youngest comes first, and dormant tables are skipped") {
  Rules rules;
  rules.base(NF_INET_PRE_ROUTING, NF_ACCEPT, {Rule().value(7).setMeta(NFT_META_MARK)}, "older", -150);
  rules.base(NF_INET_PRE_ROUTING, NF_ACCEPT,
             {Rule().meta(NFT_META_MARK).is(uint32_t{7}).other("counter"), Rule().value(9).setMeta(NFT_META_MARK)},
             "younger", -150);
  const Trace seen = trace(rules);
  CHECK(seen.mark == KnownWord::of(7));
  CHECK(seen.markPlace.table == "older");
  CHECK(seen.asked.table == "younger");
  rules.table("older").flags = NFT_TABLE_F_DORMANT;
  CHECK(trace(rules).mark == KnownWord::of(9));
  rules.table("younger").family = NFPROTO_IPV6;
  CHECK(trace(rules).mark == KnownWord::of(0));
}

TEST_CASE("at input and forward, IPVS takes the packet before chains of priority 98 and later") {
  Rules rules;
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {}, "t", 98);
  CHECK(outcome(rules) == Outcome::accepted);
  rules.base(NF_INET_LOCAL_IN, NF_DROP, {}, "t", 97);
  CHECK(outcome(rules) == Outcome::dropped);
}
