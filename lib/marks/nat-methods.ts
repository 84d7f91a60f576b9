// The methods of `FirewallMarks` for NAT rules.
import type { CallOptions } from '../calls/options.ts'
import type { RuleChanges } from './handle.ts'
import type { ListedNatRule, NatRule } from './nat-rule.ts'

/** Rules that translate addresses (NAT rules). */
export interface NatRules {
  /**
   * Adds NAT rules, all or none: see {@link MasqueradeRule} and {@link RedirectRule}. They are in the same table, in the
   * chains `srcnat` and `dstnat`. An existing rule stays unchanged. Forwarding method `masquerade` of IPVS needs no NAT rule.
   *
   * Rejects like `add`, and with `ERR_IPVS_UNAVAILABLE` if the kernel has no NAT for nf_tables.
   */
  addNat(rules: NatRule | readonly NatRule[], options?: CallOptions): Promise<void>

  /** Removes NAT rules, all or none. See `remove` for the equality of rules. */
  removeNat(rules: NatRule | readonly NatRule[], options?: CallOptions): Promise<void>

  /** Lists all NAT rules. */
  listNat(options?: CallOptions): Promise<ListedNatRule[]>

  /** Removes and adds NAT rules in one transaction, like `change` for mark rules. */
  changeNat(changes: RuleChanges<NatRule>, options?: CallOptions): Promise<void>

  /** Replaces all NAT rules in one transaction, like `replace` for mark rules, which stay. */
  replaceNat(rules: readonly NatRule[], options?: CallOptions): Promise<void>
}
