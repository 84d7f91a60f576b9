// Firewall marks: the packet filter's share of balancing by mark.
import { binding } from './binding.ts'
import { ruleOf } from './mark-elements.ts'
import { planAdd, planRemove, planReplace, wishOf, type GivenRule, type Wish } from './mark-plan.ts'
import { describeRule, listedRule, parseMarkRule, type ListedMarkRule, type MarkRule } from './mark-rule.ts'
import { MarkStore, type Plan } from './mark-store.ts'
import { groupRules } from './mark-table.ts'
import { parsePath, type OpenOptions } from './options.ts'
import { parseCallOptions, type CallOptions } from './pending.ts'
import { checked, type RequestContext } from './requests.ts'
import { parseSignal } from './signals.ts'
import { Slices } from './slices.ts'
import { InvalidInput, integer, list, readFields, show } from './validate.ts'

/** Options of {@link FirewallMarks.open}. */
export interface MarksOpenOptions extends OpenOptions {
  /**
   * Name of the nf_tables table, family inet, that holds the rules. It must be nobody else's. A letter, then letters,
   * digits, `_`, `-`, `.`; at most 63 characters. Default `'ipvs'`.
   */
  readonly table?: string | undefined
}

const MOST_RULES = 1_000_000

function parseTable(value: unknown, path: string): string {
  if (typeof value !== 'string' || !/^[A-Za-z][\w.-]{0,62}$/.test(value)) {
    const accepted = 'a letter, then letters, digits, "_", "-" and ".", at most 63 characters'
    throw new InvalidInput(path, `${show(value)} is not the name of a table such as "ipvs": ${accepted}`)
  }
  return value
}

async function parseRules(value: unknown, context: RequestContext, slices: Slices): Promise<GivenRule[]> {
  if (!Array.isArray(value)) {
    const rule = parseMarkRule(value, 'rule')
    context.target = describeRule(rule)
    return [{ rule, path: 'rule' }]
  }
  const rules: GivenRule[] = []
  for (const [index, given] of list(value, 'rules', MOST_RULES).entries()) {
    const path = `rules[${index}]`
    rules.push({ rule: parseMarkRule(given, path), path })
    if (slices.due()) await slices.next()
  }
  context.target = rules.length === 1 ? describeRule((rules[0] as GivenRule).rule) : `${rules.length} rules`
  return rules
}

/**
 * Rules that give packets firewall marks, for services such as `{ fwmark: 7 }`.
 *
 * They live in an nf_tables table of their own (family inet, by default `ipvs`) that this class creates when it is needed
 * and that `nft list table inet ipvs` shows; no other table is ever touched. Rules are elements of maps
 * (address . protocol . port : mark), so that the cost of a packet does not grow with the number of rules. Packets are
 * marked in prerouting, and in output those that the host itself sends, both at priority mangle (-150). A packet that no
 * rule matches keeps the mark it has.
 *
 * Every change is one transaction, done completely or not at all. Calls of one handle are carried out in order. Several
 * handles, processes and people with nft may work on the table at the same time. Rules outlive the handle and the process.
 * All methods reject with {@link IpvsError}: bad arguments as `ERR_IPVS_INVALID_ARGUMENT` before anything is sent, and
 * everything after `close` as `ERR_IPVS_CLOSED`. Do not change rules that you have passed in before the call has settled.
 *
 * Works with Linux 5.10 and newer, and needs CAP_NET_ADMIN in the user namespace that owns the network namespace.
 */
export class FirewallMarks implements AsyncDisposable {
  readonly #store: MarkStore
  readonly #netns: string | undefined
  readonly #target: string

  private constructor(store: MarkStore, table: string, netns: string | undefined) {
    this.#store = store
    this.#netns = netns
    this.#target = `table inet ${table}`
  }

  /**
   * Opens a handle; nothing is created yet. The kernel module `nf_tables` is loaded when it is not there.
   *
   * Rejects with `ERR_IPVS_UNAVAILABLE` without nf_tables; with `ERR_IPVS_PERMISSION_DENIED` without CAP_NET_ADMIN, or
   * when the namespace may not be entered; with `ERR_IPVS_INVALID_ARGUMENT` when there is no such namespace.
   */
  static async open(options: MarksOpenOptions = {}): Promise<FirewallMarks> {
    const context: RequestContext = { operation: 'open', target: 'firewall marks' }
    const { netns, table, timeoutMs, signal } = checked(context, () => {
      const given = readFields(options, 'options', ['netns', 'table', 'timeoutMs', 'signal'])
      return {
        netns: given.netns === undefined ? undefined : parsePath(given.netns, 'options.netns'),
        table: given.table === undefined ? 'ipvs' : parseTable(given.table, 'options.table'),
        timeoutMs: integer(given.timeoutMs ?? 5000, 'options.timeoutMs', 1, 0x7fffffff),
        signal: parseSignal(given.signal, 'options.signal'),
      }
    })
    context.target = `table inet ${table}`
    const session = new binding.MarksSession(netns === undefined ? { table } : { table, netns })
    const store = new MarkStore(session, timeoutMs)
    try {
      await store.open({ ...context, netns }, signal)
      return new FirewallMarks(store, table, netns)
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /**
   * Adds one rule or several, all of them or none. A rule that is there already is left as it is, whatever its comment.
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
    return this.#change('add', rules, options, planAdd)
  }

  /**
   * Removes one rule or several, all of them or none. Rules are equal when mark, address, protocol and all ports are; the
   * comment does not count. Like `nft delete element`.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` when there is no such rule, naming those that are there instead; with
   * `ERR_IPVS_CONFLICT` as `add`.
   */
  async remove(rules: MarkRule | readonly MarkRule[], options: CallOptions = {}): Promise<void> {
    return this.#change('remove', rules, options, planRemove)
  }

  /**
   * All rules, sorted by family and address. An element that somebody has added with nft is a rule of its own. Like
   * `nft list table inet ipvs`.
   *
   * Rejects with `ERR_IPVS_INVALID_ARGUMENT` when somebody has made something in the table that is not a rule.
   */
  async list(options: CallOptions = {}): Promise<ListedMarkRule[]> {
    const context = this.#context('list')
    const signal = checked(context, () => parseCallOptions(options))
    const slices = new Slices()
    const rules: ListedMarkRule[] = []
    for (const elements of groupRules(await this.#store.read(context, signal))) {
      rules.push(listedRule(ruleOf(elements)))
      if (slices.due()) await slices.next()
    }
    return rules
  }

  /**
   * Puts exactly these rules in place, in one transaction: what stays is not touched, and no packet goes without its mark
   * in between. When all is as it should be, nothing is sent. Like `nft -f`.
   *
   * Before Linux 6.17 the kernel makes one exception: a range of ports, a block or a range of addresses that changes (its
   * mark, its comment, or anything else of its rule) matches nothing for the moment in which the transaction takes effect.
   *
   * Rejects as `add` does.
   */
  async replace(rules: readonly MarkRule[], options: CallOptions = {}): Promise<void> {
    return this.#change('replace', rules, options, planReplace)
  }

  /** Removes the table with all rules, whoever added them. Like `nft delete table inet ipvs`. */
  async flush(options: CallOptions = {}): Promise<void> {
    const context = this.#context('flush')
    return this.#store.drop(
      context,
      checked(context, () => parseCallOptions(options)),
    )
  }

  /**
   * Closes the handle. What the kernel is doing ends first; what was not sent yet rejects with `ERR_IPVS_CLOSED`, as does
   * everything from now on. Rules stay. Idempotent.
   */
  async close(): Promise<void> {
    return this.#store.close()
  }

  /** For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #context(operation: string): RequestContext {
    return { operation, target: this.#target, netns: this.#netns }
  }

  async #change(operation: string, rules: unknown, options: CallOptions, plan: Plan): Promise<void> {
    const context = this.#context(operation)
    const signal = checked(context, () => parseCallOptions(options))
    const wish = this.#wish(operation, rules, context)
    wish.catch(() => {}) // its error is that of the call, which may have ended before
    return this.#store.change(context, signal, wish, plan)
  }

  async #wish(operation: string, rules: unknown, context: RequestContext): Promise<Wish> {
    const slices = new Slices()
    if (operation === 'replace' && !Array.isArray(rules)) {
      throw new InvalidInput('rules', `${show(rules)} is not an array; replace() takes all rules that shall be there`)
    }
    return wishOf(await parseRules(rules, context, slices), slices)
  }
}
