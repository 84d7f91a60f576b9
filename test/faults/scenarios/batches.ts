// Batches: each item has its own line, and the answer says which are there.
import { IpvsError, type BatchOperation, type BatchResult } from 'ipvs'
import type { Ended, Scenario } from '../scenario.ts'
import { abortedWhen, outcomeOf } from '../scenario.ts'
import type { Lines, World } from '../world.ts'

const ITEMS = 500

/** An item, and whether it was carried out by the look of the table. */
interface Item {
  readonly operation: BatchOperation
  readonly applied: (now: Lines) => boolean
}

type ItemState = 'applied' | 'not-applied' | 'unknown'

// What a result says of each item.
function statesOf({ failures, done }: BatchResult, items: number): ItemState[] {
  const states = Array.from({ length: items }, (_, index): ItemState => (index < done ? 'applied' : 'not-applied'))
  for (const { index, error } of failures) states[index] = error.outcome === 'unknown' ? 'unknown' : 'not-applied'
  return states
}

// What the numbers and words of the answer itself must agree on.
function judgeAnswer(
  ended: Ended,
  result: BatchResult,
  states: readonly ItemState[],
  stopOnError: boolean,
): string | undefined {
  const { applied, failures, done } = result
  const claimed = states.filter((state) => state === 'applied').length
  if (claimed !== applied) return `${applied} applied, it says, but ${claimed} are not named otherwise`
  if (failures.some(({ index }) => index >= states.length)) return 'a failure of an item that is not there'
  if ('value' in ended) {
    const stopped = stopOnError && failures.length > 0
    return done === states.length || stopped ? undefined : `resolved with done ${done} of ${states.length}`
  }
  const unknown = states.includes('unknown')
  const right = unknown ? 'unknown' : applied > 0 ? 'partial' : 'not-applied'
  return outcomeOf(ended) === right ? undefined : `outcome ${outcomeOf(ended)} where ${right} is due`
}

function judge(items: readonly Item[], ended: Ended, now: Lines, stopOnError: boolean): string | undefined {
  let result: BatchResult
  if ('value' in ended) result = ended.value as BatchResult
  else if (!(ended.error instanceof IpvsError)) return `not an IpvsError: ${String(ended.error)}`
  else result = ended.error.batch ?? { applied: 0, failures: [], done: 0 }
  const states = statesOf(result, items.length)
  const said = judgeAnswer(ended, result, states, stopOnError)
  if (said !== undefined) return said
  const wrong = items.flatMap(({ applied }, index) => {
    const state = states[index]
    return state === 'unknown' || (state === 'applied') === applied(now) ? [] : [index]
  })
  if (wrong.length === 0) return undefined
  const ending = 'value' in ended ? 'resolved' : outcomeOf(ended)
  const numbers = `applied ${result.applied}, failures ${result.failures.length}, done ${result.done}`
  return `${ending}, ${numbers}: untrue of ${wrong.length} items, from ${wrong[0]} to ${wrong.at(-1)}`
}

type Source = (operations: readonly BatchOperation[]) => Iterable<BatchOperation> | AsyncIterable<BatchOperation>

function* generated(operations: readonly BatchOperation[]): Iterable<BatchOperation> {
  yield* operations
}

// oxlint-disable-next-line typescript/require-await -- a source that is asynchronous and never waits
async function* streamed(operations: readonly BatchOperation[]): AsyncIterable<BatchOperation> {
  yield* operations
}

function batch(
  name: string,
  items: readonly Item[],
  {
    source = (operations) => operations,
    prepare = async () => {},
    stopOnError = false,
    aborted = false,
  }: BatchSetting = {},
): Scenario {
  const operations = items.map(({ operation }) => operation)
  return {
    name,
    handles: ['ipvs'],
    calls: 2, // the block that waits, and the one before it
    prepare,
    run: ({ ipvs }, struck) =>
      aborted
        ? abortedWhen(struck, (signal) => ipvs.batch(source(operations), { signal }))
        : ipvs.batch(source(operations), { stopOnError }),
    faults: ({ call }) => !aborted || call === 'sendmsg' || call === 'datagram',
    judge: (ended, now) => judge(items, ended, now, stopOnError),
  }
}

interface BatchSetting {
  readonly source?: Source
  readonly prepare?: (world: World) => Promise<unknown>
  readonly stopOnError?: boolean
  /** It is aborted when the fault has happened. */
  readonly aborted?: boolean
}

const many = <Value>(make: (index: number) => Value): Value[] =>
  Array.from({ length: ITEMS }, (_, index) => make(index))
const owner = { fwmark: 9999, scheduler: 'rr' } as const
const address = (index: number) => `10.1.${index >> 7}.${(index & 127) + 1}`
const prepareOwner = ({ ipvs }: World) => ipvs.addService(owner)

const additions = many((index): Item => {
  const fwmark = index + 1
  const line = `-A -f ${fwmark} -s rr`
  return {
    operation: { operation: 'addService', service: { fwmark, scheduler: 'rr' } },
    applied: (now) => now.has(line),
  }
})

// Each fiftieth one is there already, with another scheduler.
const prepareSome = ({ ipvs }: World) =>
  ipvs.addServices(many((index) => ({ fwmark: index + 1, scheduler: 'wrr' })).filter((_, index) => index % 50 === 3))

const removals = many((index): Item => {
  const fwmark = index + 1
  const line = `-A -f ${fwmark} -s rr`
  return { operation: { operation: 'removeService', service: { fwmark } }, applied: (now) => !now.has(line) }
})
const prepareAll = ({ ipvs }: World) => ipvs.addServices(many((index) => ({ fwmark: index + 1, scheduler: 'rr' })))

const destinations = many((index): Item => {
  const destination = { address: address(index), weight: 2 }
  const line = `-a -f 9999 -r ${address(index)}:0 -m -w 2`
  return {
    operation: {
      operation: 'addDestination',
      service: owner,
      destination: { ...destination, forwarding: 'masquerade' },
    },
    applied: (now) => now.has(line),
  }
})
const prepareDestinations = async (world: World) => {
  await prepareOwner(world)
  const rows = many((index) => ({ address: address(index), forwarding: 'masquerade' as const, weight: 1 }))
  await world.ipvs.addDestinations(owner, rows)
}
const patches = many((index): Item => {
  const line = `-a -f 9999 -r ${address(index)}:0 -m -w 5`
  const destination = { address: address(index) }
  return {
    operation: { operation: 'updateDestination', service: owner, destination, patch: { weight: 5 } },
    applied: (now) => now.has(line),
  }
})

export const batches: readonly Scenario[] = [
  batch('batch from array', additions),
  batch('batch from generator', additions, { source: generated }),
  batch('batch from stream', additions, { source: streamed }),
  batch('batch aborted', additions, { aborted: true }),
  batch('batch with refusals', additions, { prepare: prepareSome }),
  batch('batch that stops', additions.slice(0, 12), { stopOnError: true }),
  batch('batch of removals', removals, { prepare: prepareAll }),
  batch('batch of destinations', destinations, { prepare: prepareOwner }),
  batch('batch of patches', patches.slice(0, 200), { prepare: prepareDestinations }),
]
