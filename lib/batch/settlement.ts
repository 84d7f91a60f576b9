// Outcomes of the items of a batch.
import type { BatchBlock } from './block.ts'
import type { Failure } from '../binding/replies.ts'
import { IpvsError, about, type BatchFailure, type BatchResult, type IpvsErrorCode } from '../values/errors.ts'
import { explainFailure, failureError } from '../calls/failure.ts'
import type { FailureContext } from '../calls/context.ts'
import { explainServiceErrno } from '../services/service-errno.ts'
import { Pauses } from '../values/pauses.ts'

const EPERM = 1
const OF_ONE_ITEM = new Set<Failure['kind']>(['rejected', 'overrun', 'truncated', 'malformed'])

// True for a failure that every item would have. Same condition as Status::general() in native code.
function endsAll({ kind, errno }: Failure): boolean {
  return !OF_ONE_ITEM.has(kind) || (kind === 'rejected' && errno === EPERM)
}

/** The failure of all items of a block whose outcome is unknown. */
export const OUTCOME_UNKNOWN: Failure = { index: 0, kind: 'malformed', errno: 0, unknown: true, rest: true }

/** Reason why a batch ended before all items were sent. */
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
  readonly #pauses = new Pauses()
  #applied = 0
  #next = 0 // all items before this index are settled
  #ending: Ending | undefined

  /** `context`: context of the whole batch. */
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

  /** Ends the batch. Only the first reason is kept. */
  end(ending: Ending): void {
    this.#ending ??= ending
  }

  /** Records an invalid item, which was not sent. */
  refuse(index: number, operation: Item, error: IpvsError): void {
    this.#failures.push({ index, operation, error })
  }

  /** Records a failure outside of a block, after all preceding items are settled. */
  fail(index: number, operation: Item, context: FailureContext, failure: Failure): void {
    if (endsAll(failure)) return this.#endBy(failure)
    this.reach(index + 1)
    this.refuse(index, operation, failureError(context, failure, explainServiceErrno))
  }

  /** Marks all items before `next` as settled. */
  reach(next: number): void {
    this.#next = next
  }

  /** Records the outcomes of a block. `failures` are in the order of its items. */
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
        failureError(block.context(failure), failure, explainServiceErrno),
      )
      if (this.#pauses.isDue()) await this.#pauses.take()
    }
    if (rest !== undefined && endsAll(rest)) this.#endBy(rest)
  }

  /** Invalid items after the last settled item are left out. */
  result(): BatchResult<Item> {
    const failures = this.#failures
      .filter(({ index }) => index < this.#next)
      .toSorted((left, right) => left.index - right.index)
    return { applied: this.#applied, failures, done: this.#applied + failures.length }
  }

  /** The error of a batch that ended early. */
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
    const { code, problem, attribute } = explainFailure(this.#context, failure, explainServiceErrno)
    this.end({ code, problem, attribute, errno: failure.errno === 0 ? undefined : failure.errno })
  }
}

// One failure per item: the last one may apply to all following items.
function failuresOf(block: BatchBlock<unknown>, failures: readonly Failure[]): readonly Failure[] {
  const last = failures.at(-1)
  if (last?.rest !== true) return failures
  const count = block.length - last.index
  return [
    ...failures.slice(0, -1),
    ...Array.from({ length: count }, (_, place) => ({ ...last, index: last.index + place })),
  ]
}
