// Rules that translate addresses, beside those that mark.
import { planAdd, planRemove, planReplace } from './plan.ts'
import type { Plan } from './store.ts'
import type { MarksHandle, RuleChanges } from './handle.ts'
import { listedNatRule, parseNatRule, type ListedNatRule, type NatRule } from './nat-rule.ts'
import type { CallOptions } from '../calls/options.ts'

const replaceNat: Plan = (table, wish, slices) => planReplace('nat', table, wish, slices)

export class NatRules {
  readonly #handle: MarksHandle

  /** @internal */
  constructor(handle: MarksHandle) {
    this.#handle = handle
  }

  /**
   * Adds rules that translate addresses, all of them or none: see {@link MasqueradeRule} and {@link RedirectRule}. They
   * stand in the same table, in chains `srcnat` and `dstnat` of their own. A rule that is there already is left as it is.
   * IPVS's own translation (forwarding method `masquerade`) needs none of them.
   *
   * Rejects as `add` does; with `ERR_IPVS_UNAVAILABLE` when the kernel has no NAT for nf_tables.
   */
  async addNat(rules: NatRule | readonly NatRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('addNat', parseNatRule, rules, options, planAdd)
  }

  /** Removes rules that translate addresses, all of them or none. What is meant by equal: see `remove`. */
  async removeNat(rules: NatRule | readonly NatRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('removeNat', parseNatRule, rules, options, planRemove)
  }

  /** All rules that translate addresses. */
  async listNat(options: CallOptions = {}): Promise<ListedNatRule[]> {
    return this.#handle.list('listNat', options, (rule) => (rule.action === 'mark' ? undefined : listedNatRule(rule)))
  }

  /** Removes rules that translate addresses and adds others, in one transaction, as `change` does with those that mark. */
  async changeNat(changes: RuleChanges<NatRule>, options: CallOptions = {}): Promise<void> {
    return this.#handle.exchange('changeNat', parseNatRule, changes, options)
  }

  /** Puts exactly these rules that translate addresses in place, in one transaction; those that mark stay. */
  async replaceNat(rules: readonly NatRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('replaceNat', parseNatRule, rules, options, replaceNat)
  }
}
