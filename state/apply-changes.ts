// Applies changes and reports the outcome of each.
import { IpvsError, type BatchResult, type FirewallMarks, type Ipvs, type MarkRule, type NatRule } from 'ipvs'
import type { Change, DestinationChange, RuleChange, ServiceChange } from './change.ts'
import { Changes } from './changes.ts'
import { failureOf, isGeneral, untried, type ChangeFailure } from './failure.ts'
import { Guard } from './guard.ts'
import { operationOf, transactionOf } from './operation.ts'

/** Handles with the methods for applying changes. */
export interface Writers {
  /** An open `Ipvs`. */
  readonly ipvs: Pick<Ipvs, 'batch' | 'setTimeouts' | 'startSyncDaemon' | 'stopSyncDaemon'>
  /** An open `FirewallMarks`. Required if rules change. */
  readonly marks?: Pick<FirewallMarks, 'change' | 'changeNat' | 'repair'> | undefined
}

/** Progress of {@link applyChanges}. */
export interface ApplyProgress {
  /** Changes that were applied or have failed. */
  readonly done: number
  /** All changes. */
  readonly total: number
}

/** Handles and options of {@link applyChanges}. */
export interface ApplyOptions extends Writers {
  /** Ends the call early. Changes that were not sent yet are failures with the reason `ended`. */
  readonly signal?: AbortSignal | undefined
  /**
   * Default `false`: continues after a failed change, except for changes that depend on it. `true`: stops there; needs one
   * datagram per change, see `Ipvs.batch`.
   */
  readonly stopOnError?: boolean | undefined
  /** Called between parts of the work and at the end. An error that it throws ends the call as a signal does. */
  readonly onProgress?: ((progress: ApplyProgress) => void) | undefined
}

/** The outcome of {@link applyChanges}. Each change was applied, or is in `failures`. */
export interface ApplyResult {
  /** The number of applied changes. */
  readonly applied: number
  /** All other changes, in their order. */
  readonly failures: readonly ChangeFailure[]
  /** Present if the call ended early: a signal, a closed handle, or an error that every change would have. */
  readonly ended?: IpvsError
}

/** A change and its index. */
interface Placed<Kind extends Change = Change> {
  readonly index: number
  readonly change: Kind
}

// Kinds of changes that are applied together when they follow each other.
const together: Partial<Record<Change['kind'], string>> = {
  service: 'batch',
  destination: 'batch',
  mark: 'mark',
  nat: 'nat',
}

// Operations of one batch: building them takes a few milliseconds.
const MOST_OPERATIONS = 1024

function* parts(changes: Changes): Generator<Placed[]> {
  let part: Placed[] = []
  for (const [index, change] of changes.list.entries()) {
    const before = part[0]?.change.kind
    const kind = together[change.kind]
    const joins = kind !== undefined && before !== undefined && together[before] === kind
    if (part.length > 0 && !(joins && (kind !== 'batch' || part.length < MOST_OPERATIONS))) {
      yield part
      part = []
    }
    part.push({ index, change })
  }
  if (part.length > 0) yield part
}

function invalid(field: string, problem: string): IpvsError {
  const details = { operation: 'applyChanges', target: '', attribute: `options.${field}` }
  return new IpvsError('ERR_IPVS_INVALID_ARGUMENT', `options.${field}: ${problem}`, details)
}

class Application {
  applied = 0
  ended: IpvsError | undefined
  readonly failures: ChangeFailure[] = []
  readonly #options: ApplyOptions
  readonly #total: number
  readonly #guard = new Guard()

  constructor(options: ApplyOptions, total: number) {
    this.#options = options
    this.#total = total
  }

  async part(part: readonly Placed[]): Promise<void> {
    const possible = part.filter((placed) => this.#isPossible(placed))
    const { kind } = part[0]?.change ?? {}
    if (possible.length === 0) return this.#report()
    if (kind === 'service' || kind === 'destination') {
      await this.#batch(possible as Placed<ServiceChange | DestinationChange>[])
    } else await this.#whole(possible)
    this.#report()
  }

  #isPossible({ index, change }: Placed): boolean {
    if (this.ended !== undefined) {
      this.failures.push(untried(index, change, this.ended, 'ended', 'since it ended early'))
      return false
    }
    const block = this.#guard.block(change)
    if (block === undefined) return true
    this.#fail(untried(index, change, block.error, 'dependency', block.why))
    return false
  }

  #fail(failure: ChangeFailure): void {
    this.failures.push(failure)
    this.#guard.record(failure)
    if (this.#options.stopOnError === true) this.ended ??= failure.error
  }

  async #batch(part: readonly Placed<ServiceChange | DestinationChange>[]): Promise<void> {
    const { ipvs, signal, stopOnError } = this.#options
    const before = this.applied + this.failures.length
    let result: BatchResult | undefined
    try {
      const onProgress = ({ done }: { done: number }) =>
        this.#options.onProgress?.({ done: before + done, total: this.#total })
      const operations = part.map(({ change }) => operationOf(change))
      result = await ipvs.batch(operations, { signal, stopOnError, onProgress })
    } catch (error) {
      if (!(error instanceof IpvsError)) throw error
      this.ended = error
      result = error.batch
    }
    const { applied = 0, failures = [], done = 0 } = result ?? {}
    this.applied += applied
    for (const { index, error } of failures) this.#failRow(part[index] as Placed, error)
    for (const { index, change } of part.slice(done)) {
      const error = (this.ended ?? failures.at(-1)?.error) as IpvsError
      this.failures.push(untried(index, change, error, 'ended', 'since it ended early'))
    }
  }

  #failRow({ index, change }: Placed, error: IpvsError): void {
    const block = error.code === 'ERR_IPVS_SERVICE_NOT_FOUND' ? this.#guard.missingService(change) : undefined
    if (block === undefined) this.#fail(failureOf(index, change, error))
    else this.#fail(untried(index, change, block.error, 'dependency', block.why))
  }

  // A transaction: applied as a whole, or not at all.
  async #whole(part: readonly Placed[]): Promise<void> {
    try {
      await this.#carryOut(part.map(({ change }) => change))
      this.applied += part.length
    } catch (error) {
      if (!(error instanceof IpvsError)) throw error
      if (isGeneral(error)) this.ended = error
      for (const { index, change } of part) this.#fail(failureOf(index, change, error))
    }
  }

  async #carryOut(changes: readonly Change[]): Promise<void> {
    const { ipvs, marks, signal } = this.#options
    const change = changes[0] as Change
    const options = { signal }
    switch (change.kind) {
      case 'timeouts':
        return ipvs.setTimeouts(change.timeouts, options)
      case 'daemon':
        if (change.action === 'remove') return ipvs.stopSyncDaemon(change.daemon.role, options)
        return ipvs.startSyncDaemon(change.daemon, options)
      case 'mark':
        return marks?.change(transactionOf(changes as readonly RuleChange<'mark', MarkRule>[]), options)
      case 'nat':
        return marks?.changeNat(transactionOf(changes as readonly RuleChange<'nat', NatRule>[]), options)
      case 'repair':
        return marks?.repair(options)
      default:
        return undefined // services and destinations are a batch
    }
  }

  #report(): void {
    try {
      this.#options.onProgress?.({ done: this.applied + this.failures.length, total: this.#total })
    } catch (cause) {
      const details = { operation: 'applyChanges', target: '', attribute: 'options.onProgress', cause }
      this.ended ??= new IpvsError('ERR_IPVS_INVALID_ARGUMENT', 'options.onProgress: it threw an error', details)
    }
  }
}

/**
 * Applies changes in their order: services and destinations in batches, the rules of each kind in one transaction. Does not
 * reject because of refused changes, signals or closed handles: each change was applied, or is in `failures`. If another program
 * changed the same object, the reason is `lost-race`: read the state again, compare, and apply.
 *
 * Changes that would lose traffic are not tried: a service keeps its old destinations when a new destination failed, rules do
 * not lead to a service that could not be added, and a service with a mark stays when its rules could not be changed.
 *
 * Rejects with `ERR_IPVS_INVALID_ARGUMENT` if an argument is invalid, or if rules change and `marks` is missing; nothing was
 * changed then.
 */
export async function applyChanges(changes: Changes, options: ApplyOptions): Promise<ApplyResult> {
  const { marks, onProgress } = options
  if (!(changes instanceof Changes)) throw invalid('changes', 'is not what diffState() returns')
  if (onProgress !== undefined && typeof onProgress !== 'function') throw invalid('onProgress', 'is not a function')
  const rules = changes.list.some(({ kind }) => kind === 'mark' || kind === 'nat' || kind === 'repair')
  if (marks === undefined && rules) throw invalid('marks', 'is missing, but rules change')
  const application = new Application(options, changes.length)
  for (const part of parts(changes)) await application.part(part)
  const { applied, ended } = application
  const failures = application.failures.toSorted((left, right) => left.index - right.index)
  return { applied, failures, ...(ended !== undefined && { ended }) }
}
