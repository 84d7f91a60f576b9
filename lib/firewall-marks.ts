// Firewall marks: the packet filter's share of balancing by mark.
import { binding } from './binding/addon.ts'
import { FULL_MASK } from './marks/rule.ts'
import { invalidArgument } from './values/errors.ts'
import { readFoundMarks, type FoundMark } from './marks/foreign-mark.ts'
import {
  freeMark,
  parseMarkRange,
  serviceMarks,
  usedByForeignRules,
  type AllocateMarkOptions,
  type UsedMark,
} from './marks/allocate.ts'
import { planAdd, planRemove, planReplace } from './marks/plan.ts'
import { listedRule, parseMarkRule, type ListedMarkRule, type MarkRule } from './marks/mark-rule.ts'
import { MarkStore, type Plan } from './marks/store.ts'
import { MarksHandle, type RuleChanges } from './marks/handle.ts'
import { parseMarksOptions, type MarksOpenOptions } from './marks/options.ts'
import { readStatus, type MarksStatus } from './marks/status.ts'
import { namespaceAt, sessionIn, type NamespaceStatus } from './calls/namespace.ts'
import type { NatRules } from './marks/nat-rules.ts'
import { listedNatRule, parseNatRule, type ListedNatRule, type NatRule } from './marks/nat-rule.ts'
import { parseCallOptions, type CallOptions } from './calls/options.ts'
import { checked, type RequestContext } from './calls/context.ts'
import { readTraces, writePackets, type Trace, type TracePacket } from './marks/trace.ts'
import { InvalidInput } from './values/validate.ts'

const replaceMarks: Plan = (table, wish, slices) => planReplace('marks', table, wish, slices)
const replaceNat: Plan = (table, wish, slices) => planReplace('nat', table, wish, slices)

/**
 * Rules that give packets firewall marks, for services such as `{ fwmark: 7 }`.
 *
 * They live in an nf_tables table of their own (family inet, by default `ipvs`) that this class creates when it is needed
 * and that `nft list table inet ipvs` shows; no other table is ever touched. Rules are elements of maps
 * (address . protocol . port : mark), so that the cost of a packet does not grow with the number of rules; only those with
 * `mask`, `source` or `interface` are rules one by one, of which there should be few. Packets are marked in prerouting, and in output those that the host itself sends, both at priority mangle (-150). A packet that no
 * rule matches keeps the mark it has.
 *
 * Every change is one transaction, done completely or not at all. Calls of one handle are carried out in order. Several
 * handles, processes and people with nft may work on the table at the same time. Rules outlive the handle and the process.
 * All methods reject with {@link IpvsError}: bad arguments as `ERR_IPVS_INVALID_ARGUMENT` before anything is sent, and
 * everything after `close` as `ERR_IPVS_CLOSED`. Do not change rules that you have passed in before the call has settled.
 *
 * Works with Linux 5.10 and newer, and needs CAP_NET_ADMIN in the user namespace that owns the network namespace.
 */
export class FirewallMarks implements NatRules, AsyncDisposable {
  readonly #handle: MarksHandle
  readonly #timeoutMs: number
  readonly #allocated: UsedMark[] = []

  private constructor(handle: MarksHandle, timeoutMs: number) {
    this.#handle = handle
    this.#timeoutMs = timeoutMs
  }

  /**
   * Opens a handle; nothing is created yet. The kernel module `nf_tables` is loaded when it is not there. Temporary rules
   * that a killed process has left are removed, unless `tidy` is false.
   *
   * Rejects with `ERR_IPVS_UNAVAILABLE` without nf_tables; with `ERR_IPVS_PERMISSION_DENIED` without CAP_NET_ADMIN, or
   * when the namespace may not be entered; with `ERR_IPVS_INVALID_ARGUMENT` when there is no such namespace.
   */
  static async open(options: MarksOpenOptions = {}): Promise<FirewallMarks> {
    const context: RequestContext = { operation: 'open', target: 'firewall marks' }
    const { netns, table, tidy, timeoutMs, signal } = checked(context, () => parseMarksOptions(options))
    context.target = `table inet ${table}`
    const namespace = namespaceAt(netns)
    const session = new binding.MarksSession({ table, ...sessionIn(namespace) })
    const store = new MarkStore(session, timeoutMs)
    try {
      await store.open({ ...context, netns }, signal, tidy)
      return new FirewallMarks(new MarksHandle(store, context.target, namespace), timeoutMs)
    } catch (error) {
      await store.close()
      namespace?.native.close()
      throw error
    }
  }

  /**
   * Adds one rule or several, all of them or none. A rule that is there already is left as it is, whatever its comment, and
   * so is one whose packets have the same mark by a rule for more ports.
   * Like `nft add element inet ipvs exact4 '{ 172.16.0.100 . tcp . 80 : 7 }'`, and like
   * `iptables -t mangle -A PREROUTING -d 172.16.0.100 -p tcp --dport 80 -j MARK --set-mark 7`, for each port.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` when rules overlap, naming both: a packet gets one mark. With
   * `ERR_IPVS_CONFLICT` when others change the ruleset of nf_tables so fast that ten tries were not enough.
   *
   * Single ports of single addresses are cheap: thousands in milliseconds. Ranges of ports, blocks and ranges of
   * addresses are dearer: some 10 to 100 microseconds each since Linux 6.12, and quadratic before.
   */
  async add(rules: MarkRule | readonly MarkRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('add', parseMarkRule, rules, options, planAdd)
  }

  /**
   * Removes one rule or several, all of them or none. Rules are equal when all is that they ask for and give; comment and
   * counter do not count. Like `nft delete element`.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` when there is no such rule, naming those that are there instead; with
   * `ERR_IPVS_CONFLICT` as `add`.
   */
  async remove(rules: MarkRule | readonly MarkRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('remove', parseMarkRule, rules, options, planRemove)
  }

  /**
   * All rules, sorted by family and address, whether they are in effect or not: `status` says that. An element that somebody has added with nft is a rule of its own. Like
   * `nft list table inet ipvs`.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` when somebody has made something in the table that is not a rule.
   */
  async list(options: CallOptions = {}): Promise<ListedMarkRule[]> {
    return this.#handle.list('list', options, (rule) => (rule.action === 'mark' ? listedRule(rule) : undefined))
  }

  /**
   * Whether the rules are in effect, those that translate addresses included. They are not after `nft flush table inet ipvs`,
   * for instance: that removes what leads packets to them, while `list` still has those that stand in maps. Every change
   * mends that, and so does `repair`. A table without rules is in effect.
   *
   * Rejects as `list` does, and when a chain or map of the table is not of the kind that rules need.
   */
  async status(options: CallOptions = {}): Promise<MarksStatus> {
    const context = this.#handle.context('status')
    const signal = checked(context, () => parseCallOptions(options))
    return this.#handle.store.ask(context, signal, (session, call) => session.status(call), readStatus)
  }

  /**
   * Makes the rules that are there take effect, in one transaction: creates what is missing around them, wakes a dormant
   * table, removes temporary rules and what is there twice. Rules that are gone stay gone. Rejects as `add` does.
   */
  async repair(options: CallOptions = {}): Promise<void> {
    return this.#handle.change('repair', parseMarkRule, [], options, planAdd)
  }

  /**
   * Puts exactly these rules in place, in one transaction: what stays is not touched, and no packet goes without its mark
   * in between. When all is as it should be, nothing is sent; what keeps rules from taking effect is mended. Like `nft -f`.
   *
   * Where ranges of ports or blocks of addresses take over from others, rules stand in for them from a transaction before to
   * one right behind: Linux before 6.17 does not find a new range in the very moment in which the old one goes. That takes
   * some 10 ms more. The change itself is one transaction there as well. When the temporary rules cannot be removed the
   * call rejects with an error whose `leftovers` is true, and with `outcome` `applied` when the rules are in place.
   *
   * Rejects as `add` does. A call whose last answer is lost ends within `timeoutMs` and one second more, in which it finds
   * out what became of the change and tidies up; an aborted one within half a second.
   */
  async replace(rules: readonly MarkRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('replace', parseMarkRule, rules, options, replaceMarks)
  }

  /**
   * Removes rules and adds others in one transaction: no packet sees one without the other, and rules that are not named stay
   * as they are, those that somebody else adds meanwhile included. A rule with another mark, comment or counter takes the
   * place of one for the same packets this way. Like one `nft -f` with `delete element` and `add element`.
   *
   * Rejects as `add` and `remove` do: also when a rule of `remove` is not there.
   */
  async change(changes: RuleChanges<MarkRule>, options: CallOptions = {}): Promise<void> {
    return this.#handle.exchange('change', parseMarkRule, changes, options)
  }

  /**
   * Marks that rules of other tables set, whoever made them: with nft, with iptables in its nft variant (`iptables -V`
   * says "nf_tables"), Docker, Kubernetes, firewalld. Rules of legacy iptables are not to be seen this way. A mark that is
   * computed when the packet is there (restored from its connection, for instance) has no number. For rules that look
   * marks up there is an entry for each mark in the map.
   */
  async findMarks(options: CallOptions = {}): Promise<FoundMark[]> {
    const context = this.#handle.context('findMarks')
    const signal = checked(context, () => parseCallOptions(options))
    return this.#handle.store.ask(context, signal, (session, call) => session.find(call), readFoundMarks)
  }

  /**
   * A mark that is free: the least one within the range that neither the rules of this table, nor those that `findMarks`
   * finds, nor a service of IPVS in the namespace has, and that this handle has not given before. Nothing is reserved: two
   * processes may get the same one, until one of them uses it. Neighbouring marks are good ones, since kernels up to 6.12
   * keep services in lists by the last 8 bits of their marks.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` when all marks of the range are in use, and as `Ipvs.open` does when the
   * services cannot be read (a kernel without IPVS has none). Loads the kernel module `ip_vs` when it is not there.
   */
  async allocateMark(options: AllocateMarkOptions = {}): Promise<number> {
    const context = this.#handle.context('allocateMark')
    const range = checked(context, () => parseMarkRange(options))
    const { signal } = range
    const [elements, found, services] = await Promise.all([
      this.#handle.store.read(context, signal),
      this.#handle.store.ask(context, signal, (session, call) => session.find(call), readFoundMarks),
      serviceMarks(this.#handle.netns, this.#timeoutMs, signal),
    ])
    const used = [
      ...elements.map(({ mark, special }) => ({ mark, mask: special?.mask ?? FULL_MASK })),
      ...usedByForeignRules(found),
      ...services.map((mark) => ({ mark, mask: FULL_MASK })),
      ...this.#allocated,
    ]
    const mark = freeMark(range, used)
    if (mark === undefined) {
      throw invalidArgument(
        context,
        new InvalidInput('options.to', `all marks from ${range.from} to ${range.to} are in use`),
      )
    }
    this.#allocated.push({ mark, mask: FULL_MASK })
    return mark
  }

  /**
   * The table in the language of nft. Rules are lost when the machine restarts; `nft -f` puts exactly what this returns in
   * the place of the table, counters included. Like `nft list table inet ipvs`. The guide (`docs/marks.md` in the
   * repository) shows how to load it when the system starts.
   *
   * Rejects as `list` does.
   */
  async export(options: CallOptions = {}): Promise<string> {
    const context = this.#handle.context('export')
    const signal = checked(context, () => parseCallOptions(options))
    return this.#handle.store.ask(
      context,
      signal,
      (session, call) => session.exportTable(call),
      ({ text }) => Buffer.from(text).toString('utf8'),
    )
  }

  /**
   * Says what would become of packets in this network namespace, by the rules of all tables of nf_tables, iptables-nft's and
   * firewalld's among them, and by the kernel's routing: one answer for each packet, in order. Nothing is sent and nothing
   * is changed. Up to 100,000 packets, all followed through the same state of the ruleset. Rules of iptables-legacy cannot be
   * seen. nft has nothing like it; its `meta nftrace` watches real packets.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` for what is no packet; with `ERR_IPVS_CONFLICT` when others change the ruleset
   * so fast that ten tries were not enough.
   */
  async trace(packets: readonly TracePacket[], options: CallOptions = {}): Promise<Trace[]> {
    const context = this.#handle.context('trace')
    const [signal, rows] = checked(context, () => [parseCallOptions(options), writePackets(packets)] as const)
    return this.#handle.store.ask(context, signal, (session, call) => session.trace(call, rows), readTraces)
  }

  /** Removes the table with all rules, whoever added them. Like `nft delete table inet ipvs`. */
  async flush(options: CallOptions = {}): Promise<void> {
    const context = this.#handle.context('flush')
    return this.#handle.store.drop(
      context,
      checked(context, () => parseCallOptions(options)),
    )
  }

  /**
   * Whether the path that the handle was opened with still leads to its network namespace: see `namespaceStatus` of `Ipvs`,
   * which is true of this handle as well.
   */
  async namespaceStatus(options: CallOptions = {}): Promise<NamespaceStatus> {
    const context = this.#handle.context('namespaceStatus')
    return this.#handle.store.namespaceStatus(
      context,
      checked(context, () => parseCallOptions(options)),
    )
  }

  // The documentation of rules that translate addresses stands in NatRules.

  async addNat(rules: NatRule | readonly NatRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('addNat', parseNatRule, rules, options, planAdd)
  }

  async removeNat(rules: NatRule | readonly NatRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('removeNat', parseNatRule, rules, options, planRemove)
  }

  async listNat(options: CallOptions = {}): Promise<ListedNatRule[]> {
    return this.#handle.list('listNat', options, (rule) => (rule.action === 'mark' ? undefined : listedNatRule(rule)))
  }

  async changeNat(changes: RuleChanges<NatRule>, options: CallOptions = {}): Promise<void> {
    return this.#handle.exchange('changeNat', parseNatRule, changes, options)
  }

  async replaceNat(rules: readonly NatRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('replaceNat', parseNatRule, rules, options, replaceNat)
  }

  /**
   * Closes the handle. What the kernel is doing ends first; what was not sent yet rejects with `ERR_IPVS_CLOSED`, as does
   * everything from now on. Rules stay. Idempotent.
   */
  async close(): Promise<void> {
    await this.#handle.store.close()
    this.#handle.netns?.native.close()
  }

  /** For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
