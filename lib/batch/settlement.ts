// What became of the items of a batch, as far as it is known.
import type { BatchBlock } from './block.ts'
import type { Failure } from '../binding/replies.ts'
import { IpvsError, about, type BatchFailure, type BatchResult, type IpvsErrorCode } from '../values/errors.ts'
import { explainFailure, failureError } from '../calls/failure.ts'
import type { FailureContext } from '../calls/context.ts'
import { explainErrno } from '../services/service-errno.ts'
import { TimeSlices } from '../values/time-slices.ts'

const EPERM = 1
const OF_ONE_ITEM = new Set<Failure['cause']>(['rejected', 'overrun', 'truncated', 'malformed'])

// What is not about one item: every other one would fail in the same way. As Status::general() of native code has it.
function endsAll({ cause, errno }: Failure): boolean {
  return !OF_ONE_ITEM.has(cause) || (cause === 'rejected' && errno === EPERM)
}

/** What became of any item in a block. */
export const OUTCOME_UNKNOWN: Failure = { index: 0, cause: 'malformed', errno: 0, unknown: true, rest: true }

/** Why a batch ended before all its items were sent. */
export interface Ending {
  readonly code: IpvsErrorCode
  readonly problem: string
  readonly errno?: number | undefined
  readonly attribute?: string | undefined
  readonly cause?: unknown
}

export class Settlement<Item> {
  readonly #context: FailureContext
  readonly #failures: BatchFailure<Item>[] = []
  readonly #slices = new TimeSlices()
  #applied = 0
  #next = 0 // items before this one were settled
  #ending: Ending | undefined

  /** `context`: of the batch as a whole. */
  constructor(context: FailureContext) {
    this.#context = context
  }

  get ending(): Ending | undefined {
    return this.#ending
  }

  get failed(): boolean {
    return this.#failures.length > 0
  }

  get done(): number {
    return this.#applied + this.#failures.length
  }

  /** The first reason counts. */
  end(ending: Ending): void {
    this.#ending ??= ending
  }

  /** An item that was not sent because something is wrong with it. */
  refuse(index: number, operation: Item, error: IpvsError): void {
    this.#failures.push({ index, operation, error })
  }

  /** One failure that is not part of a block; all items before it were settled. */
  fail(index: number, operation: Item, context: FailureContext, failure: Failure): void {
    if (endsAll(failure)) return this.#endBy(failure)
    this.reach(index + 1)
    this.refuse(index, operation, failureError(context, failure, explainErrno))
  }

  /** All items before `next` were settled. */
  reach(next: number): void {
    this.#next = next
  }

  /** Enters what became of a block; the failures come in the order of its items. */
  async settle(block: BatchBlock<Item>, failures: readonly Failure[]): Promise<void> {
    const last = failures.at(-1)
    const rest = last?.rest === true && !last.unknown ? last : undefined
    const failed = failuresOf(block, rest === undefined ? failures : failures.slice(0, -1))
    const sent = rest?.index ?? block.length
    this.#applied += sent - failed.length
    if (sent > 0) this.reach(block.indexAt(sent - 1) + 1)
    for (const failure of failed) {
      const { index } = failure
      this.refuse(
        block.indexAt(index),
        block.itemAt(index),
        failureError(block.context(failure), failure, explainErrno),
      )
      if (this.#slices.due()) await this.#slices.next()
    }
    if (rest !== undefined && endsAll(rest)) this.#endBy(rest)
  }

  /** Refused items behind those that were sent do not count. */
  result(): BatchResult<Item> {
    const failures = this.#failures
      .filter(({ index }) => index < this.#next)
      .toSorted((left, right) => left.index - right.index)
    return { applied: this.#applied, failures, done: this.#applied + failures.length }
  }

  /** Of a batch that ended early. */
  error(ending: Ending): IpvsError {
    const batch = this.result()
    const unknown = batch.failures.some(({ error }) => error.outcome === 'unknown')
    const state = `of the batch, ${batch.applied} items were applied and ${batch.failures.length} failed`
    return new IpvsError(ending.code, `${ending.problem}; ${state}, the rest was not sent.`, {
      ...about(this.#context),
      ...ending,
      outcome: unknown ? 'unknown' : batch.applied > 0 ? 'partial' : 'not-applied',
      batch,
    })
  }

  #endBy(failure: Failure): void {
    const { code, problem, attribute } = explainFailure(this.#context, failure, explainErrno)
    this.end({ code, problem, attribute, errno: failure.errno === 0 ? undefined : failure.errno })
  }
}

// One for each item: the last one may stand for all behind it.
function failuresOf(block: BatchBlock<unknown>, failures: readonly Failure[]): readonly Failure[] {
  const last = failures.at(-1)
  if (last?.rest !== true) return failures
  const count = block.length - last.index
  return [
    ...failures.slice(0, -1),
    ...Array.from({ length: count }, (_, place) => ({ ...last, index: last.index + place })),
  ]
}
