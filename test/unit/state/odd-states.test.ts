// States of odd shapes: each problem has a path, and nothing but a StateError is thrown.
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { diffState, normalizeState, StateError, type CurrentState, type State } from '../../../state/index.ts'
import { emptyState } from './empty-state.ts'
import { Random, randomState } from './random-state.ts'

const MANY = { timeout: 60_000 } // hundreds of states in one test

const primitives = [null, undefined, true, '', 'x', '7', 0, -1, 1.5, Number.NaN, 2 ** 53, 10n, Symbol('s'), () => 7]
const objects = [[], [null], [[]], {}, { a: 1 }, new Map(), new Date(0), Object.create(null), new Proxy({}, {})]
const odd: readonly unknown[] = [...primitives, ...objects, { toString: 7 }, { service: { fwmark: 7 } }]

/** A copy with one value replaced by an odd one, or with an odd property. */
function damaged(random: Random, value: unknown, depth = 0): unknown {
  const isLeaf = typeof value !== 'object' || value === null
  if (isLeaf || (depth > 0 && random.below(6) === 0)) return random.pick(odd)
  const names = Object.keys(value)
  if (names.length === 0) return random.pick(odd)
  const name = random.pick(names)
  if (Array.isArray(value)) {
    return value.map((each: unknown, index) => (String(index) === name ? damaged(random, each, depth + 1) : each))
  }
  const copy: Record<string, unknown> = { ...value }
  if (random.below(8) === 0) copy[random.pick(['__proto__', 'constructor', 'wieght', ''])] = random.pick(odd)
  else copy[name] = damaged(random, copy[name], depth + 1)
  return copy
}

/** Paths of the problems, or `undefined` if there are none. */
function problemsOf(run: () => unknown): readonly string[] | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (!(error instanceof StateError)) throw error
    return error.problems.map(({ path }) => path)
  }
}

test('a random state with one odd value: accepted, or a problem with a path in the state', MANY, () => {
  const wrong: string[] = []
  let refused = 0
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed)
    const state = damaged(random, { version: 1, ...randomState(random) }) as State
    const paths = problemsOf(() => diffState(emptyState, state))
    if (paths === undefined) continue
    refused++
    const strange = paths.filter((path) => !/^(?:\w+|"")?(?:\[\d+\]|\.(?:\w+|""))*$/.test(path))
    wrong.push(...strange.map((path) => `seed ${seed}: ${path}`))
    // The rest can be compared without these rows.
    const { problems } = diffState(emptyState, state, { skipInvalid: true })
    if (problems.map(({ path }) => path).join() !== paths.join()) wrong.push(`seed ${seed}: other problems`)
  }
  expect(wrong).toEqual([])
  expect(refused).toBeGreaterThan(120)
})

test.each<[unknown, string]>([
  [null, 'state'],
  [[], 'state'],
  ['services', 'state'],
  [{ sections: [] }, 'sections'],
  [{ version: 2 }, 'version'],
  [{ services: {} }, 'services'],
  [{ services: [7] }, 'services[0]'],
  [{ services: [{}] }, 'services[0].service'],
  [{ services: [{ service: null }] }, 'services[0].service'],
  [{ services: [{ service: { fwmark: 7 }, destination: [] }] }, 'services[0].destination'],
  [{ services: [{ service: { fwmark: 7 }, destinations: {} }] }, 'services[0].destinations'],
  [{ services: [{ service: { fwmark: 7 }, destinations: [null] }] }, 'services[0].destinations[0]'],
  [{ services: [{ service: { fwmark: 7 }, destinations: [{ address: 7 }] }] }, 'services[0].destinations[0].address'],
  [{ services: [{ service: { fwmark: 7 } }, { service: { fwmark: '0x7' } }] }, 'services[1]'],
  [
    {
      services: [{ service: { fwmark: 7 }, destinations: [{ address: '10.0.0.7' }, { address: '10.0.0.7', port: 0 }] }],
    },
    'services[0].destinations[1]',
  ],
  [{ timeouts: [] }, 'timeouts'],
  [{ timeouts: { tcpSeconds: -1 } }, 'timeouts.tcpSeconds'],
  [{ daemons: [{ role: 'both' }] }, 'daemons[0].role'],
  [{ marks: [{ mark: 0 }] }, 'marks[0].mark'],
  [{ nat: [null] }, 'nat[0]'],
])('%j: a problem at %s', (state, path) => {
  expect(problemsOf(() => diffState(emptyState, state as State))).toEqual([path])
  expect(problemsOf(() => normalizeState(state as State))).toEqual([path])
})

test('with skipInvalid the object of a refused row stays, also with prune', () => {
  const current = {
    ...emptyState,
    ...normalizeState({ services: [{ service: { fwmark: 7 }, destinations: [{ address: '10.0.0.7' }] }] }),
  } as CurrentState
  const desired = {
    services: [
      { service: { fwmark: 7 }, destinations: [{ address: '10.0.0.7', weight: -1 }, { address: '10.0.0.8' }] },
      { service: { fwmark: 8, scheduler: 5 } },
    ],
  } as unknown as State
  const changes = diffState(current, desired, { prune: true, skipInvalid: true })
  expect(changes.toString()).toBe('+ mark:7 -> 10.0.0.8:0 direct weight 1')
  expect(changes.problems.map(({ path }) => path)).toEqual([
    'services[0].destinations[0].weight',
    'services[1].service.scheduler',
  ])
})

class WithGetter {
  get services(): readonly unknown[] {
    return [{}]
  }
}

test.each<[string, () => unknown]>([
  ['a map', () => new Map([['services', []]])],
  ['a date', () => new Date()],
  ['an instance of a class', () => new WithGetter()],
  ['an array', () => []],
  ['null', () => null],
  ['text', () => '{}'],
  ['a revoked proxy', revoked],
])('a state, or its timeouts, that is %s', (_name, make) => {
  expect(problemsOf(() => diffState(emptyState, make() as State))).toEqual(['state'])
  expect(problemsOf(() => diffState(emptyState, { timeouts: make() as never }))).toEqual(['timeouts'])
})

test.each<[string, unknown]>([
  ['services', { services: revoked() }],
  ['services[0]', { services: [revoked()] }],
  ['services[0].service', { services: [{ service: revoked() }] }],
  ['services[0].destinations', { services: [{ service: { fwmark: 7 }, destinations: revoked() }] }],
  ['services[0].destinations[0]', { services: [{ service: { fwmark: 7 }, destinations: [revoked()] }] }],
  ['marks', { marks: revoked() }],
])('a revoked proxy is a problem at %s', (path, given) => {
  expect(problemsOf(() => diffState(emptyState, given as State))).toEqual([path])
})

test('states of another realm and without a prototype are plain objects', () => {
  const bare = Object.assign(Object.create(null) as object, { services: [] })
  for (const given of [bare, runInNewContext('({ services: [] })') as object]) {
    expect(problemsOf(() => diffState(emptyState, given))).toBeUndefined()
  }
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
