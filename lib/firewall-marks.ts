// Firewall marks: nf_tables rules that mark packets for services of IPVS.
import { binding } from './binding/addon.ts'
import { FULL_MASK } from './marks/checked-rule.ts'
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
import type { NatRules } from './marks/nat-methods.ts'
import { listedNatRule, parseNatRule, type ListedNatRule, type NatRule } from './marks/nat-rule.ts'
import { parseCallOptions, type CallOptions } from './calls/options.ts'
import { checked, type RequestContext } from './calls/context.ts'
import { readTraces, writePackets, type Trace, type TracePacket } from './marks/trace.ts'
import { InvalidInput } from './values/validate.ts'

const replaceMarks: Plan = (table, desired, pauses) => planReplace('marks', table, desired, pauses)
const replaceNat: Plan = (table, desired, pauses) => planReplace('nat', table, desired, pauses)

/**
 * Rules that give packets firewall marks, for services such as `{ fwmark: 7 }`.
 *
 * The rules are in a separate nf_tables table (family inet, default name `ipvs`), which the first change creates and
 * `nft list table inet ipvs` shows; no other table is changed. Most rules are elements of maps
 * (address . protocol . port : mark), so the cost per packet does not grow with their number. Rules with `mask`, `source` or
 * `interface` are separate nf_tables rules, of which there should be few. Packets are marked in prerouting, and packets of
 * local processes in output, both at priority mangle (-150). A packet that matches no rule keeps its mark.
 *
 * Each change is one transaction, applied as a whole or not at all. Calls of a handle run in order. Several handles,
 * processes and nft may change the table concurrently. Rules outlive the handle and the process. All methods reject with
 * {@link IpvsError}: invalid arguments with `ERR_IPVS_INVALID_ARGUMENT` before anything is sent, calls after `close` with
 * `ERR_IPVS_CLOSED`. Do not modify the passed rules before the call has settled.
 *
 * Requires Linux 5.10 or newer, and CAP_NET_ADMIN in the user namespace that owns the network namespace.
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
   * Opens a handle, without creating the table. Loads the kernel module `nf_tables` if needed. Removes temporary rules that
   * a killed process left, unless `tidy` is false.
   *
   * Rejects with `ERR_IPVS_UNAVAILABLE` without nf_tables; with `ERR_IPVS_PERMISSION_DENIED` without CAP_NET_ADMIN or without
   * permission to enter the namespace; with `ERR_IPVS_INVALID_ARGUMENT` if the namespace does not exist.
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
   * Adds one or several rules, all or none. An existing rule stays unchanged, even if its comment differs; a rule whose
   * packets already get the mark from a rule for more ports is not added.
   * Like `nft add element inet ipvs exact4 '{ 172.16.0.100 . tcp . 80 : 7 }'`, and like
   * `iptables -t mangle -A PREROUTING -d 172.16.0.100 -p tcp --dport 80 -j MARK --set-mark 7`, for each port.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` if rules overlap (the message names both), because a packet gets one mark; with
   * `ERR_IPVS_CONFLICT` if other programs changed the nf_tables ruleset during each of ten tries.
   *
   * Single ports of single addresses are cheap: thousands in milliseconds. Port ranges, address blocks and address ranges
   * take 10 to 100 microseconds each since Linux 6.12; on older kernels the time grows quadratically.
   */
  async add(rules: MarkRule | readonly MarkRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('add', parseMarkRule, rules, options, planAdd)
  }

  /**
   * Removes one or several rules, all or none. Two rules are equal when they match the same packets and set the same mark;
   * comment and counter do not count. Like `nft delete element`.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` if a rule does not exist (the message names similar rules); with
   * `ERR_IPVS_CONFLICT` like `add`.
   */
  async remove(rules: MarkRule | readonly MarkRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('remove', parseMarkRule, rules, options, planRemove)
  }

  /**
   * Lists all rules, sorted by family and address, including rules without effect (see `status`). An element that was added
   * with nft is a separate rule. Like `nft list table inet ipvs`.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` if the table contains foreign objects that are not rules.
   */
  async list(options: CallOptions = {}): Promise<ListedMarkRule[]> {
    return this.#handle.list('list', options, (rule) => (rule.action === 'mark' ? listedRule(rule) : undefined))
  }

  /**
   * Tells whether the rules, including NAT rules, are in effect. After `nft flush table inet ipvs`, for example, they are not:
   * it removes the rules that look marks up, while `list` still returns the elements of maps. Each change repairs this, and
   * so does `repair`. A table without rules is in effect.
   *
   * Rejects like `list`, and if a chain or map of the table has a wrong type.
   */
  async status(options: CallOptions = {}): Promise<MarksStatus> {
    const context = this.#handle.context('status')
    const signal = checked(context, () => parseCallOptions(options))
    return this.#handle.store.readNative(context, signal, (session, call) => session.status(call), readStatus)
  }

  /**
   * Brings the existing rules into effect, in one transaction: creates missing chains, jumps and lookups, clears the flag
   * dormant of the table, removes temporary and duplicate rules. Does not restore removed rules. Rejects like `add`.
   */
  async repair(options: CallOptions = {}): Promise<void> {
    return this.#handle.change('repair', parseMarkRule, [], options, planAdd)
  }

  /**
   * Replaces all mark rules in one transaction. Rules that stay are not touched, and every packet gets its old or its new
   * mark. If the table already matches, nothing is sent. Repairs like `repair`. Like `nft -f`.
   *
   * Before Linux 6.17 a transaction that replaces port ranges or address blocks has an instant in which neither old nor new
   * ones match. Temporary rules cover it: one transaction before the change adds them, one after it removes them, which takes
   * about 10 ms more. If they cannot be removed, the call rejects with an error whose `leftovers` is true, and whose
   * `outcome` is `applied` if the change was applied.
   *
   * Rejects like `add`. If the kernel's last reply is lost, the call settles within `timeoutMs` and one more second, in which
   * it reads back the outcome and cleans up; after an abort it settles within half a second.
   */
  async replace(rules: readonly MarkRule[], options: CallOptions = {}): Promise<void> {
    return this.#handle.change('replace', parseMarkRule, rules, options, replaceMarks)
  }

  /**
   * Removes and adds rules in one transaction; all other rules stay, including rules that another program adds meanwhile. Use
   * it to change mark, comment or counter of a rule. Like one `nft -f` with `delete element` and `add element`.
   *
   * Rejects like `add` and `remove`.
   */
  async change(changes: RuleChanges<MarkRule>, options: CallOptions = {}): Promise<void> {
    return this.#handle.exchange('change', parseMarkRule, changes, options)
  }

  /**
   * Lists the marks that rules of other tables set: rules of nft, of iptables in its nft variant (`iptables -V` prints
   * "nf_tables"), Docker, Kubernetes, firewalld. Rules of legacy iptables are invisible to nf_tables. A mark that is computed
   * per packet (restored from the connection, for example) has no number. A rule that looks marks up in a map has one entry
   * per mark of the map.
   */
  async findMarks(options: CallOptions = {}): Promise<FoundMark[]> {
    const context = this.#handle.context('findMarks')
    const signal = checked(context, () => parseCallOptions(options))
    return this.#handle.store.readNative(context, signal, (session, call) => session.find(call), readFoundMarks)
  }

  /**
   * Returns the lowest free mark of a range: no rule of this table, no rule of `findMarks` and no IPVS service of the
   * namespace uses it, and this handle has not returned it before. The mark is not reserved: two processes may get the same
   * mark until one of them uses it. Consecutive marks are fast, because kernels up to 6.12 hash services by the last 8 bits
   * of the mark.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` if all marks of the range are in use; like `Ipvs.open` if the services cannot be
   * read (a kernel without IPVS has none). Loads the kernel module `ip_vs` if needed.
   */
  async allocateMark(options: AllocateMarkOptions = {}): Promise<number> {
    const context = this.#handle.context('allocateMark')
    const range = checked(context, () => parseMarkRange(options))
    const { signal } = range
    const [elements, found, services] = await Promise.all([
      this.#handle.store.read(context, signal),
      this.#handle.store.readNative(context, signal, (session, call) => session.find(call), readFoundMarks),
      serviceMarks(this.#handle.netns, this.#timeoutMs, signal),
    ])
    const used = [
      ...elements.map(({ mark, ruleFields }) => ({ mark, mask: ruleFields?.mask ?? FULL_MASK })),
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
   * Returns the table in the syntax of nft. Rules are lost at a reboot; `nft -f` replaces the table by this text, counters
   * included. Like `nft list table inet ipvs`. `docs/marks.md` in the repository shows how to load it at boot.
   *
   * Rejects like `list`.
   */
  async export(options: CallOptions = {}): Promise<string> {
    const context = this.#handle.context('export')
    const signal = checked(context, () => parseCallOptions(options))
    return this.#handle.store.readNative(
      context,
      signal,
      (session, call) => session.exportTable(call),
      ({ text }) => Buffer.from(text).toString('utf8'),
    )
  }

  /**
   * Evaluates hypothetical packets in this network namespace against all nf_tables tables, including tables of iptables-nft
   * and firewalld, and against the routing table. Returns one result per packet, in order. Sends no packet and changes
   * nothing. Up to 100,000 packets, evaluated against one generation of the ruleset. Rules of iptables-legacy are ignored.
   * nft has no equivalent; its `meta nftrace` shows real packets.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` if a packet is invalid; with `ERR_IPVS_CONFLICT` if other programs changed the
   * ruleset during each of ten tries.
   */
  async trace(packets: readonly TracePacket[], options: CallOptions = {}): Promise<Trace[]> {
    const context = this.#handle.context('trace')
    const [signal, rows] = checked(context, () => [parseCallOptions(options), writePackets(packets)] as const)
    return this.#handle.store.readNative(context, signal, (session, call) => session.trace(call, rows), readTraces)
  }

  /** Removes the table with all rules, including foreign rules. Like `nft delete table inet ipvs`. */
  async flush(options: CallOptions = {}): Promise<void> {
    const context = this.#handle.context('flush')
    return this.#handle.store.drop(
      context,
      checked(context, () => parseCallOptions(options)),
    )
  }

  /**
   * Tells whether the path `netns` still leads to the handle's network namespace: see `namespaceStatus` of `Ipvs`.
   */
  async namespaceStatus(options: CallOptions = {}): Promise<NamespaceStatus> {
    const context = this.#handle.context('namespaceStatus')
    return this.#handle.store.namespaceStatus(
      context,
      checked(context, () => parseCallOptions(options)),
    )
  }

  // NAT rules are documented in NatRules.

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
   * Closes the handle. Waits for the running request; calls that were not sent, and later calls, reject with
   * `ERR_IPVS_CLOSED`. Rules stay. Idempotent.
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
