// Operations on the table, one at a time. The store remembers the elements between operations and retries a change when
// another program changed the ruleset in the meantime.
import { setTimeout } from 'node:timers/promises'

import type { Call, NativeMarksSession } from '../binding/addon.ts'
import type { Reply } from '../binding/replies.ts'
import { describeRule } from './checked-rule.ts'
import { IpvsError, abortedError, closedError, invalidArgument } from '../values/errors.ts'
import type { FailureContext } from '../calls/context.ts'
import { ruleOf, type MarkElement } from './mark-element.ts'
import { ERESTART, explainMarkErrno, leftoversError, markError } from './mark-errno.ts'
import type { DesiredRules } from './plan.ts'
import { readElements, writeElements } from './element-rows.ts'
import { MarkTable, type MarkChange } from './mark-table.ts'
import { namespaceStatusOf, type NamespaceStatus } from '../calls/namespace.ts'
import { unexpectedError, valuesOf } from '../calls/failure.ts'
import { PendingCall } from '../calls/pending-call.ts'
import { Pauses } from '../values/pauses.ts'
import { InvalidInput } from '../values/validate.ts'

const MOST_TRIES = 10
const LONGEST_PAUSE_MS = 50

/** Computes the change of a table that results in the desired rules. Throws `InvalidInput` if that is impossible. */
export type Plan = (table: MarkTable, desired: DesiredRules, pauses: Pauses) => Promise<MarkChange>

function describeElement(element: MarkElement): string {
  return describeRule(ruleOf([element]))
}

export class MarkStore {
  readonly #session: NativeMarksSession
  readonly #timeoutMs: number
  #calls = 0
  #last: Promise<void> = Promise.resolve() // settles with the newest operation
  #closing: Promise<void> | undefined
  #table: MarkTable | undefined // the last known elements, possibly outdated; see MarkTable

  /** `timeoutMs`: limit of each native call, from its start. */
  constructor(session: NativeMarksSession, timeoutMs: number) {
    this.#session = session
    this.#timeoutMs = timeoutMs
  }

  /** Opens the socket, to report problems early. `tidy`: removes temporary rules of an interrupted change. */
  open(context: FailureContext, signal: AbortSignal | undefined, tidy: boolean): Promise<void> {
    return this.#enqueue({ ...context, reads: true }, signal, async (pending) => {
      await this.#request(pending, (call) => this.#session.open(call, tidy))
    })
  }

  namespaceStatus(context: FailureContext, signal: AbortSignal | undefined): Promise<NamespaceStatus> {
    return this.#enqueue({ ...context, reads: true }, signal, async (pending) => {
      const reply = await this.#call(pending, (call) => this.#session.followPath(call))
      return namespaceStatusOf(pending.context, reply, explainMarkErrno, pending.reason)
    })
  }

  /** Reads the elements of the table, sorted by key. */
  read(context: FailureContext, signal: AbortSignal | undefined): Promise<readonly MarkElement[]> {
    return this.#enqueue({ ...context, reads: true }, signal, async (pending) => {
      const [elements, generation] = await this.#read(pending, new Pauses())
      this.#table = new MarkTable(elements, generation)
      return elements
    })
  }

  /** Runs another native read after the preceding operations. */
  readNative<Values, Result>(
    context: FailureContext,
    signal: AbortSignal | undefined,
    start: (session: NativeMarksSession, call: Call) => Promise<Reply<Values>>,
    take: (found: Values) => Result,
  ): Promise<Result> {
    return this.#enqueue({ ...context, reads: true }, signal, async (pending) => {
      return take(await this.#request(pending, (call) => start(this.#session, call)))
    })
  }

  /** Applies, in one transaction, the change that `plan` computes from the desired rules. */
  change(
    context: FailureContext,
    signal: AbortSignal | undefined,
    desired: Promise<DesiredRules>,
    plan: Plan,
  ): Promise<void> {
    return this.#enqueue(context, signal, async (pending) => this.#change(pending, await desired, plan))
  }

  /** Removes the table. */
  drop(context: FailureContext, signal: AbortSignal | undefined): Promise<void> {
    return this.#enqueue(context, signal, async (pending) => {
      this.#table = undefined
      await this.#request(pending, (call) => this.#session.drop(call))
    })
  }

  /** Waits for the running operation. Rejects queued and later operations. Idempotent. */
  close(): Promise<void> {
    this.#table = undefined
    this.#closing ??= this.#session.close()
    return this.#closing
  }

  #enqueue<Result>(
    context: FailureContext,
    signal: AbortSignal | undefined,
    work: (pending: PendingCall<Result>) => Promise<Result>,
  ): Promise<Result> {
    const pending = new PendingCall<Result>(context, signal)
    if (this.#closing !== undefined) pending.reject(closedError(context))
    if (!pending.settled) this.#last = this.#last.then(() => this.#run(pending, work))
    return pending.promise
  }

  async #run<Result>(
    pending: PendingCall<Result>,
    work: (pending: PendingCall<Result>) => Promise<Result>,
  ): Promise<void> {
    if (pending.settled) return
    try {
      pending.resolve(await work(pending))
    } catch (error) {
      const { context } = pending
      const known = error instanceof IpvsError || error instanceof InvalidInput
      pending.reject(known ? invalidArgument(context, error) : unexpectedError(context, error))
    }
  }

  // Runs one native call.
  async #call<Result, Values>(
    pending: PendingCall<Result>,
    start: (call: Call) => Promise<Reply<Values>>,
  ): Promise<Reply<Values>> {
    if (this.#closing !== undefined) throw closedError(pending.context)
    if (pending.settled) throw abortedError(pending.context, pending.reason, 'not-applied') // aborted between two calls
    return pending.run(this.#session, { id: ++this.#calls, timeoutMs: this.#timeoutMs }, start)
  }

  // Runs one native call and throws its failure.
  async #request<Result, Values>(
    pending: PendingCall<Result>,
    start: (call: Call) => Promise<Reply<Values>>,
    context: FailureContext = pending.context,
  ): Promise<Values> {
    return valuesOf(await this.#call(pending, start), (failure) => markError(context, failure, pending.reason))
  }

  async #read<Result>(
    pending: PendingCall<Result>,
    pauses: Pauses,
  ): Promise<readonly [readonly MarkElement[], number]> {
    this.#table = undefined
    const context = { ...pending.context, reads: true }
    const { rows, generation } = await this.#request(pending, (call) => this.#session.list(call), context)
    return [await readElements(rows, pauses), generation]
  }

  async #change(pending: PendingCall<void>, desired: DesiredRules, plan: Plan): Promise<void> {
    const pauses = new Pauses()
    for (let tries = 1; ; tries++) {
      const known = this.#table
      const table = known ?? new MarkTable(...(await this.#read(pending, pauses)))
      try {
        const change = await plan(table, desired, pauses)
        if (await this.#apply(pending, table, change, tries === MOST_TRIES, pauses)) return
      } catch (error) {
        // The remembered elements may be outdated: read them again before refusing.
        if (known === undefined || !(error instanceof InvalidInput)) throw error
      }
      this.#table = undefined
      if (known === undefined) await setTimeout(Math.random() * Math.min(2 ** tries, LONGEST_PAUSE_MS))
    }
  }

  // Returns false if the ruleset changed meanwhile; then nothing was applied. An empty change is sent too: native code then
  // checks the generation of the ruleset, and repairs chains and lookups that another program removed.
  async #apply(
    pending: PendingCall<void>,
    table: MarkTable,
    change: MarkChange,
    last: boolean,
    pauses: Pauses,
  ): Promise<boolean> {
    const elements = [...change.removed, ...change.added]
    const rows = await writeElements(elements, pauses)
    this.#table = undefined // until it is clear what became of it
    const reply = await this.#call(pending, (call) => {
      return this.#session.apply(call, table.generation, rows, change.removed.length)
    })
    const { context, reason } = pending
    const [failure] = reply.failures
    if (failure !== undefined) {
      const outdated = failure.kind === 'rejected' && failure.errno === ERESTART
      if (outdated && !last) return false // the next try removes what was left
      const element = failure.kind === 'rejected' && !outdated ? elements[failure.index] : undefined
      const target = element === undefined ? context.target : describeElement(element)
      const leftovers = reply.leftovers === undefined ? undefined : true
      throw markError({ ...context, target, leftovers }, failure, reason)
    }
    if (reply.leftovers !== undefined) throw leftoversError(context, reply.leftovers, reason)
    // The handles of new rule elements are only known after a listing.
    const known = elements.every(({ ruleFields }) => ruleFields === undefined)
    if (reply.generation !== undefined && known) {
      table.commit(change, reply.generation)
      this.#table = table
    }
    return true
  }
}
