// Reads the rules of another packet filter.
import type { PacketFilterRules } from './found-rules.ts'
import { readIptablesSave } from './iptables-save.ts'
import { readNftJson } from './nft-json.ts'

/**
 * Reads the rules of another packet filter: the output of `iptables-save`, `ip6tables-save` or `nft -j list ruleset`. Nothing is
 * changed, and nothing is read but the text.
 *
 * Taken over are rules that every packet meets: `MARK` in the mangle table's `PREROUTING` and `INPUT`, and in chains that these
 * call without a condition; `MASQUERADE` in `POSTROUTING`; `REDIRECT` in `PREROUTING`. A rule with a condition that a
 * `MarkRule` does not have is a remark. The table of this package is skipped.
 *
 * Throws an `IpvsError` with the code `ERR_IPVS_INVALID_ARGUMENT` if the text is neither.
 */
export function readPacketFilter(text: string): PacketFilterRules {
  return /^\s*\{/.test(text) ? readNftJson(text) : readIptablesSave(text)
}
