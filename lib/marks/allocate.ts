// Search for an unused mark.
import { binding } from '../binding/addon.ts'
import { FULL_MASK } from './checked-rule.ts'
import { IpvsError } from '../values/errors.ts'
import type { FoundMark } from './foreign-mark.ts'
import { sessionIn, type Namespace } from '../calls/namespace.ts'
import { CallQueue } from '../calls/queue.ts'
import { operationCode, rowWriters, serviceReader } from '../binding/records.ts'
import { parseSignal } from '../values/signals.ts'
import { parseFwmark } from '../values/protocol.ts'
import { LazyTable } from '../values/table.ts'
import { InvalidInput, readFields } from '../values/validate.ts'
import { explainServiceErrno } from '../services/service-errno.ts'

/** Options of `FirewallMarks.allocateMark`. */
export interface AllocateMarkOptions {
  /** Lowest mark to allocate, 1 to 4294967295, as a number or as text. Default 1. */
  readonly from?: number | string | undefined
  /** Highest mark to allocate, `from` to 4294967295. Default 4294967295. */
  readonly to?: number | string | undefined
  /** Ends the call early. */
  readonly signal?: AbortSignal | undefined
}

export interface MarkRange {
  readonly from: number
  readonly to: number
  readonly signal: AbortSignal | undefined
}

export function parseMarkRange(value: unknown): MarkRange {
  const { from = 1, to = FULL_MASK, signal } = readFields(value, 'options', ['from', 'to', 'signal'])
  const range = { from: parseFwmark(from, 'options.from'), to: parseFwmark(to, 'options.to') }
  if (range.from > range.to)
    throw new InvalidInput('options.to', `${range.to} is less than options.from, ${range.from}`)
  return { ...range, signal: parseSignal(signal, 'options.signal') }
}

/** A mark in use. A rule with `mask` sets only these bits of the packet's mark. */
export interface UsedMark {
  readonly mark: number
  readonly mask: number
}

/** The marks that foreign rules set. Mark 0 only clears bits, so it is not in use. */
export function usedByForeignRules(foreign: readonly FoundMark[]): UsedMark[] {
  return foreign.flatMap(({ mark = 0, mask = FULL_MASK }) => (mark === 0 ? [] : [{ mark, mask }]))
}

/** The marks of all IPVS services; empty if the kernel has no IPVS. */
export async function serviceMarks(
  netns: Namespace | undefined,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const queue = new CallQueue(new binding.IpvsSession(sessionIn(netns)), {
    timeoutMs,
    writers: rowWriters,
    explain: explainServiceErrno,
  })
  const context = { operation: 'allocateMark', target: 'all services', netns: netns?.path }
  try {
    const rows = serviceReader.rows(await queue.read({ code: operationCode('listServices') }, context, signal))
    const marks = await new LazyTable(rows.length, (index) => rows.at(index)).column('fwmark')
    return marks.filter((mark) => mark !== undefined)
  } catch (error) {
    if (error instanceof IpvsError && error.code === 'ERR_IPVS_UNAVAILABLE') return []
    throw error
  } finally {
    await queue.close()
  }
}

function lowestBit(mask: number): number {
  return (mask & -mask) >>> 0
}

/** The lowest mark in the range that the rules of `used` cannot produce; `undefined` if there is none. */
export function freeMark({ from, to }: MarkRange, used: readonly UsedMark[]): number | undefined {
  const taken = new Set(used.filter(({ mask }) => mask === FULL_MASK).map(({ mark }) => mark))
  const partial = used.filter(({ mask }) => mask !== FULL_MASK)
  for (let mark = from; mark <= to;) {
    // A rule with a mask produces every mark that contains its bits: the other bits of the packet may have any value.
    const producer = partial.find((rule) => (mark & rule.mask) >>> 0 === rule.mark)
    if (producer === undefined && !taken.has(mark)) return mark
    const step = producer === undefined ? 1 : lowestBit(producer.mask) // the next mark that differs within the mask
    mark = (Math.floor(mark / step) + 1) * step
  }
  return undefined
}
