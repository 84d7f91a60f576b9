// Rules that translate addresses, beside those that mark: this half of `FirewallMarks`, as a type.
import type { CallOptions } from '../calls/options.ts'
import type { RuleChanges } from './handle.ts'
import type { ListedNatRule, NatRule } from './nat-rule.ts'

/** Rules that translate addresses. */
export interface NatRules {
  /**
   * Adds rules that translate addresses, all of them or none: see {@link MasqueradeRule} and {@link RedirectRule}. They
   * stand in the same table, in chains `srcnat` and `dstnat` of their own. A rule that is there already is left as it is.
   * IPVS's own translation (forwarding method `masquerade`) needs none of them.
   *
   * Rejects as `add` does; with `ERR_IPVS_UNAVAILABLE` when the kernel has no NAT for nf_tables.
   */
  addNat(rules: NatRule | readonly NatRule[], options?: CallOptions): Promise<void>

  /** Removes rules that translate addresses, all of them or none. What is meant by equal: see `remove`. */
  removeNat(rules: NatRule | readonly NatRule[], options?: CallOptions): Promise<void>

  /** All rules that translate addresses. */
  listNat(options?: CallOptions): Promise<ListedNatRule[]>

  /** Removes rules that translate addresses and adds others, in one transaction, as `change` does with those that mark. */
  changeNat(changes: RuleChanges<NatRule>, options?: CallOptions): Promise<void>

  /** Puts exactly these rules that translate addresses in place, in one transaction; those that mark stay. */
  replaceNat(rules: readonly NatRule[], options?: CallOptions): Promise<void>
}
