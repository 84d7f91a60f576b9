// Random sites and histories in simulated time.
import { diffState, normalizeState, type CurrentState, type State } from 'ipvs/state'
import { expect, test } from 'vitest'
import { desired, type Desired, type DesiredInput } from '../../src/desired/desired.ts'
import type { Memory, OverrideKind, ServerId } from '../../src/desired/inputs.ts'
import { overrideOf, withOverride } from '../../src/desired/overrides.ts'
import { drainRefusal } from '../../src/desired/candidate.ts'
import { Random } from '../../../test/unit/state/random-state.ts'
import { changedHealth, idsOf, randomOverride, randomRemaining, randomSite } from './support/random-site.ts'
import { health, NOW } from './support/sites.ts'

const SEEDS = 150
const STEPS = 12
const MANY = { timeout: 60_000 }

interface Moment {
  readonly input: DesiredInput
  readonly result: Desired
  readonly where: string
}

/** A site's life: each moment has the memory of the one before. */
function* history(seed: number): Generator<Moment> {
  const random = new Random(seed)
  const site = randomSite(random)
  let input: DesiredInput = {
    site,
    health: new Map(idsOf(site).map((id) => [id, health(random.pick(['up', 'unknown', 'up']))])),
    overrides: [],
    memory: { marks: {} },
    remaining: new Map(),
    adopted: new Set(),
    now: NOW,
  }
  for (let step = 0; step < STEPS; step++) {
    const result = desired(input)
    yield { input, result, where: `seed ${seed}, step ${step}` }
    const now = input.now + random.pick([1, 700, 1500, 9000])
    input = {
      ...input,
      health: changedHealth(random, site, input.health, now),
      overrides: random.below(3) === 0 ? withOverride(input.overrides, randomOverride(random, now)) : input.overrides,
      remaining: randomRemaining(random, site),
      memory: result.memory,
      now,
    }
  }
}

function* moments(): Generator<Moment> {
  for (let seed = 1; seed <= SEEDS; seed++) yield* history(seed)
}

const throughJson = (memory: Memory): Memory => JSON.parse(JSON.stringify(memory)) as Memory

const decisions = ({ services }: Desired) =>
  services.flatMap(({ service, servers }) => servers.map((each) => ({ service, ...each })))

test('the state is valid, equal to itself, and a function of the input, which stays as it was', MANY, () => {
  for (const { input, result, where } of moments()) {
    const before = structuredClone(input)
    expect(desired(input), `at ${where}`).toEqual(result)
    expect(input, `at ${where}`).toEqual(before)
    const state = normalizeState(result.state)
    expect(diffState(state as CurrentState, result.state, { prune: true }).toString(), `at ${where}`).toBe('')
    expect(desired({ ...input, memory: throughJson(result.memory) }).state, `at ${where}`).toEqual(result.state)
  }
})

test('weights: at least 1 with traffic, else 0', MANY, () => {
  for (const { result, where } of moments()) {
    const wrong = decisions(result).filter(
      ({ place, weight }) => !Number.isInteger(weight) || (place === 'traffic' ? weight < 1 : weight !== 0),
    )
    expect(wrong, `at ${where}`).toEqual([])
  }
})

test('overrides win, and drains end', MANY, () => {
  for (const { input, result, where } of moments()) {
    const all = decisions(result).map((each) => ({
      ...each,
      override: overrideOf(input.overrides, each.service.name, each.server.name, input.now),
    }))
    const of = (kind: OverrideKind) => all.filter(({ override }) => override?.kind === kind)
    expect(
      of('disable').filter(({ place }) => place !== 'absent'),
      `at ${where}`,
    ).toEqual([])
    expect(
      of('forceUp').filter(({ server, weight }) => server.weight > 0 && weight === 0),
      `at ${where}`,
    ).toEqual([])
    const drains = of('drain').filter(({ service }) => drainRefusal(service) === undefined)
    expect(
      drains.filter(({ weight }) => weight !== 0),
      `at ${where}`,
    ).toEqual([])
    const late = drains.filter(
      ({ override, service }) => input.now >= (override?.since ?? Infinity) + service.drain.waitMs,
    )
    expect(
      late.filter(({ code }) => code !== 'drained'),
      `at ${where}`,
    ).toEqual([])
  }
})

test('below the minimum nothing is taken out, unless told', MANY, () => {
  let low = 0
  for (const { input, result, where } of moments()) {
    const services = result.services.filter((each) => each.low && each.service.minimumHealthy.below === 'keep')
    low += services.length
    const out = services.flatMap(({ service, servers }) =>
      servers.filter(
        ({ server, place, code }) =>
          overrideOf(input.overrides, service.name, server.name, input.now) === undefined &&
          code !== 'unknown' &&
          server.weight > 0 &&
          place !== 'traffic',
      ),
    )
    expect(out, `at ${where}`).toEqual([])
  }
  expect(low).toBeGreaterThan(50)
})

test('a restart at any moment gives the same state', MANY, () => {
  for (const { input, result, where } of moments()) {
    const all = decisions(result)
    const adopted = new Set<ServerId>(all.filter(({ weight }) => weight > 0).map(({ id }) => id))
    const restarted = desired({
      ...input,
      health: new Map(),
      remaining: new Map(),
      memory: throughJson(result.memory),
      overrides: JSON.parse(JSON.stringify(input.overrides)) as DesiredInput['overrides'],
      adopted,
    })
    expect(restarted.state, `at ${where}`).toEqual(result.state)
  }
})

test('the state changes by time alone at wakeAt, not before', MANY, () => {
  let changes = 0
  for (const { input, result, where } of moments()) {
    const at = (now: number): State => desired({ ...input, memory: result.memory, now }).state
    const end = result.wakeAt ?? input.now + 1e9
    expect(end, `at ${where}`).toBeGreaterThan(input.now)
    for (const now of [Math.floor((input.now + end) / 2), end - 1]) {
      expect(at(now), `at ${where}`).toEqual(result.state)
    }
    if (JSON.stringify(at(end)) !== JSON.stringify(result.state)) changes++
  }
  expect(changes).toBeGreaterThan(50)
})

test("allocated marks are kept, and are nobody else's", MANY, () => {
  for (const { input, result, where } of moments()) {
    const used = [...result.marks.values()]
    expect(new Set(used).size, `at ${where}`).toBe(used.length)
    for (const [name, mark] of Object.entries(input.memory.marks))
      expect(result.marks.get(name), `at ${where}`).toBe(mark)
    const fresh = desired({ ...input, memory: { marks: {} }, foreignMarks: new Set([10_000, 10_001, 10_002, 10_003]) })
    for (const mark of Object.values(fresh.memory.marks)) expect(mark, `at ${where}`).toBeGreaterThan(10_003)
  }
})
