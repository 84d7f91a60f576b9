#include "nftables/legacy_target.h"

#include <linux/netfilter/nf_tables_compat.h>

namespace nftables {
namespace {

// xt_connmark_tginfo1: {ctmark, ctmask, nfmask, u8 mode}; 2: {ctmark, ctmask, nfmask, u8 direction, u8 bits, u8 mode}.
bool restoresMark(Bytes info, uint32_t revision) {
  const size_t mode = revision == 1 ? 12 : 14;
  constexpr std::byte restore{2}; // XT_CONNMARK_RESTORE
  return revision >= 1 && info.size() > mode && info[mode] == restore;
}

} // namespace

MarkEffect markEffect(uint32_t value, uint32_t mask) {
  if ((value & ~mask) != 0) {
    return {};
  }
  return {value, mask, {}};
}

std::optional<MarkEffect> readLegacyTarget(Bytes data) {
  const std::string name = readText(findAttribute(data, NFTA_TARGET_NAME));
  const Bytes info = findAttribute(data, NFTA_TARGET_INFO);
  uint32_t revision = 0;
  (void)readU32(findAttribute(data, NFTA_TARGET_REV), revision);
  constexpr size_t pair = 2 * sizeof(uint32_t); // in host order
  if (info.size() < pair) {
    return std::nullopt;
  }
  const auto first = netlink::load<uint32_t>(info.data());
  const auto second = netlink::load<uint32_t>(info.data() + sizeof first);
  if (name == "MARK") {
    return revision == 2 ? markEffect(first, second) : MarkEffect{}; // {mark, mask}
  }
  if (name == "TPROXY") {
    return markEffect(second, first); // {mask, value, ...}
  }
  return name == "CONNMARK" && restoresMark(info, revision) ? std::optional<MarkEffect>{MarkEffect{}} : std::nullopt;
}

} // namespace nftables
