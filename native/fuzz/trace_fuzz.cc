// libFuzzer: tracing a packet through any rules, sets and verdicts terminates within bounds. The input is a packet,
// then attributes of two rules, of a set and of its elements, each preceded by two bytes of length (the last one is
// not).
#include "nftables/set_entries.h"
#include "nftables/trace.h"

namespace {

netlink::Bytes part(netlink::Bytes& left) {
  if (left.size() < 2) {
    return {};
  }
  const size_t length = std::min<size_t>(netlink::load<uint16_t>(left.data()), left.size() - 2);
  const netlink::Bytes taken = left.subspan(2, length);
  left = left.subspan(2 + length);
  return taken;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  netlink::Bytes left(reinterpret_cast<const std::byte*>(data), size);
  nftables::TracedPacket packet{};
  if (left.size() < sizeof packet) {
    return 0;
  }
  std::memcpy(&packet, left.data(), sizeof packet);
  packet.family = packet.family % 2 == 0 ? AF_INET : AF_INET6;
  left = left.subspan(sizeof packet);
  const netlink::Bytes first = part(left);
  const netlink::Bytes second = part(left);
  nftables::RulesetSet set = nftables::describeSet(part(left));
  nftables::takeEntries(left, set);
  nftables::finishEntries(set);

  nftables::Ruleset ruleset;
  nftables::RulesetTable& table = ruleset.tables.emplace_back();
  table.family = NFPROTO_INET;
  table.name = "t";
  table.sets["s"] = std::move(set);
  const auto rule = [](netlink::Bytes bytes) { return nftables::RulesetRule{1, {bytes.begin(), bytes.end()}}; };
  for (const uint32_t hook : {NF_INET_PRE_ROUTING, NF_INET_LOCAL_IN, NF_INET_FORWARD, NF_INET_LOCAL_OUT}) {
    nftables::RulesetChain& chain = table.chains["c" + std::to_string(hook)];
    chain.name = "c";
    chain.base = true;
    chain.hook = hook;
    chain.rules = {rule(first), rule(second), rule(first)};
  }
  table.chains["c"].rules = {rule(second), rule(first)}; // target of jumps, also from itself
  (void)nftables::follow(ruleset, packet, {});
  return 0;
}
