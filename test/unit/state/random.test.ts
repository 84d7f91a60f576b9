// Random states: applied, read back and compared, alone and beside a second writer.
import { normalizeService } from 'ipvs'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { applyChanges, diffState, normalizeState, readState, stateEntries, type State } from '../../../state/index.ts'
import { serviceText } from '../../../state/key-text.ts'
import { FakeKernel } from './fake-kernel.ts'
import { Random, randomState } from './random-state.ts'

const MANY = { timeout: 60_000 } // hundreds of states in one test

const seeds = Array.from({ length: 60 }, (_, seed) => seed + 1)

async function make(kernel: FakeKernel, desired: State): Promise<void> {
  const changes = diffState(await readState(kernel), desired, { prune: true })
  const { applied, failures } = await applyChanges(changes, kernel)
  expect(failures).toEqual([])
  expect(applied).toBe(changes.length)
}

function rowOf(entry: object): unknown {
  return 'destination' in entry ? entry.destination : 'service' in entry ? entry.service : undefined
}

/** Order does not matter. */
function contents(state: State): string[] {
  return stateEntries(state)
    .map((entry) => JSON.stringify(entry))
    .toSorted()
}

test('from any state to any other state; then there are no changes', MANY, async () => {
  for (const seed of seeds) {
    const random = new Random(seed)
    const kernel = new FakeKernel()
    await make(kernel, randomState(random))
    const desired = randomState(random)
    await make(kernel, desired)
    const current = await readState(kernel)
    expect(contents(current), `seed ${seed}`).toEqual(contents(normalizeState(desired)))
    expect(current.timeouts).toMatchObject(desired.timeouts as object)
    expect(diffState(current, desired, { prune: true }).toString(), `seed ${seed}`).toBe('')
    // A saved state is the state, also after a round trip through JSON.
    expect(diffState(current, JSON.parse(JSON.stringify(current)) as State, { prune: true }).length).toBe(0)
  }
})

test('without prune nothing is removed', MANY, async () => {
  for (const seed of seeds) {
    const random = new Random(seed)
    const kernel = new FakeKernel()
    await make(kernel, { ...randomState(random), marks: [] })
    const before = stateEntries(await readState(kernel)).map(({ key }) => key)
    const { services, timeouts } = randomState(random)
    const changes = diffState(await readState(kernel), { services, timeouts })
    await applyChanges(changes, kernel)
    const after = new Set(stateEntries(await readState(kernel)).map(({ key }) => key))
    expect(
      before.filter((key) => !after.has(key)),
      `seed ${seed}`,
    ).toEqual([])
  }
})

test('with a second writer: each change is reported as applied and was applied, or is a failure', MANY, async () => {
  let races = 0
  const lies: string[] = []
  for (const seed of seeds) {
    const random = new Random(seed)
    const kernel = new FakeKernel()
    await make(kernel, randomState(random))
    const changes = diffState(await readState(kernel), randomState(random), { prune: true })
    const theirs = new Set<string>()
    kernel.interfere = () => {
      if (random.below(3) > 0) return
      const service = random.pick([{ fwmark: 7 }, { protocol: 'tcp', address: '172.16.0.100', port: 80 }] as const)
      const key = serviceText(normalizeService(service))
      const destination = { address: '10.0.0.7', weight: 77 } as const
      const exists = kernel.services.has(key)
      const operation = exists ? random.pick(['removeService', 'addDestination'] as const) : 'addService'
      theirs.add(key)
      try {
        kernel.execute({ operation, service, destination })
      } catch {
        // The destination exists.
      }
    }
    const { applied, failures } = await applyChanges(changes, kernel)
    kernel.interfere = () => {}
    expect(applied + failures.length, `seed ${seed}`).toBe(changes.length)
    races += failures.filter(({ reason }) => reason === 'lost-race').length
    lies.push(...failures.filter(({ outcome }) => outcome !== 'not-applied').map(({ message }) => message))
    const failed = new Set(failures.map(({ index }) => index))
    const now = new Map(stateEntries(await readState(kernel)).map((entry) => [entry.key, entry]))
    for (const [index, change] of changes.list.entries()) {
      if (failed.has(index) || (change.kind !== 'service' && change.kind !== 'destination')) continue
      if (theirs.has(serviceText(normalizeService(change.service)))) continue // the second writer changed it later, perhaps
      const row = change.action === 'remove' ? undefined : rowOf(change)
      const entry = now.get(change.key)
      if (!isDeepStrictEqual(entry && rowOf(entry), row)) lies.push(`seed ${seed}: ${change.action} ${change.key}`)
    }
  }
  expect(lies).toEqual([])
  expect(races).toBeGreaterThan(5)
})

test('a second writer between reading and applying: each refused change is a lost race', async () => {
  const kernel = new FakeKernel()
  await make(kernel, { services: [{ service: { fwmark: 7 }, destinations: [{ address: '10.0.0.7' }] }] })
  const desired: State = {
    services: [
      { service: { fwmark: 7 }, destinations: [{ address: '10.0.0.7', weight: 9 }] },
      { service: { fwmark: 8 }, destinations: [] },
    ],
  }
  const changes = diffState(await readState(kernel), desired)
  kernel.execute({ operation: 'removeDestination', service: { fwmark: 7 }, destination: { address: '10.0.0.7' } })
  kernel.execute({ operation: 'addService', service: { fwmark: 8 } })
  const { applied, failures } = await applyChanges(changes, kernel)
  expect(applied).toBe(0)
  expect(failures.map(({ reason, change }) => [reason, change.key])).toEqual([
    ['lost-race', 'mark:7 -> 10.0.0.7:0'],
    ['lost-race', 'mark:8'],
  ])
  expect(failures[0]?.message).toContain('lost a race, somebody else removed it after the state was read')
})
