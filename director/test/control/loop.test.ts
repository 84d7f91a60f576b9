// What the loop tells of failures and drift, and what a plan leaves alone. The kernel is a list.
import { expect, test } from 'vitest'
import { normalizeState, type State } from 'ipvs/state'
import { Events } from '../../src/control/events.ts'
import { Loop, failuresOf } from '../../src/control/loop.ts'
import { FakeKernel } from '../support/fake-kernel.ts'

const own: State = {
  services: [{ service: { fwmark: 7, scheduler: 'rr' }, destinations: [{ address: '10.0.0.7' }] }],
  marks: [],
  nat: [],
}

interface Rig {
  readonly kernel: FakeKernel
  readonly loop: Loop
  readonly commits: string[]
  /** Kind and first line of each event. */
  readonly told: () => string[]
}

function rig(drift: 'repair' | 'report' = 'repair'): Rig {
  const kernel = new FakeKernel()
  const events = new Events()
  const commits: string[] = []
  const loop = new Loop({
    kernel: kernel.handles,
    events,
    owned: [],
    keepOwned: async () => {},
    decide: async () => ({ state: own, drift, wakeAt: undefined, commit: async () => void commits.push('kept') }),
  })
  const told = (): string[] => events.since(0).map(({ kind, text }) => `${kind}: ${text.split('\n')[0]}`)
  return { kernel, loop, commits, told }
}

test('a difference is applied, and the next round has none', async () => {
  const { loop, kernel, told, commits } = rig()
  expect(failuresOf(await loop.wake())).toEqual([])
  expect(kernel.services.map(({ service, destinations }) => [service.fwmark, destinations.length])).toEqual([[7, 1]])
  expect((await loop.wake()).changes?.length).toBe(0)
  expect(told()).toEqual([expect.stringMatching(/^applied: \+ /)])
  expect(commits).toEqual(['kept', 'kept'])
  await loop.stop()
})

test('a plan keeps nothing and applies nothing', async () => {
  const { loop, kernel, commits } = rig()
  expect((await loop.plan()).changes.length).toBe(2)
  expect(commits).toEqual([])
  expect(kernel.services).toEqual([])
  await loop.stop()
})

test('a failure is told once, another one too, and then that it is over', async () => {
  const { loop, kernel, told } = rig()
  kernel.refuses = 'no memory'
  expect(failuresOf(await loop.wake())).toEqual([
    expect.stringMatching(/no memory/),
    expect.stringMatching(/no memory|not tried/),
  ])
  await loop.wake()
  kernel.refuses = undefined
  kernel.silent = 'no answer'
  expect(failuresOf(await loop.wake())).toEqual([expect.stringMatching(/no answer/)])
  await loop.wake()
  kernel.silent = undefined
  await loop.wake()
  expect(told().map((line) => line.split(':')[0])).toEqual([
    'apply-failed',
    'apply-failed',
    'kernel-error',
    'kernel-recovered',
    'applied',
  ])
  await loop.stop()
})

test('drift is repaired and told each time', async () => {
  const { loop, kernel, told } = rig()
  await loop.wake()
  for (let times = 0; times < 2; times++) {
    kernel.services = []
    await loop.wake()
    expect(kernel.services.length).toBe(1)
  }
  expect(told().filter((line) => line.startsWith('drift'))).toEqual([
    'drift: somebody else changed what is ours (repairing):',
    'drift: somebody else changed what is ours (repairing):',
  ])
  await loop.stop()
})

test('drift that is only reported is told once, not in each round', async () => {
  const { loop, kernel, told } = rig('report')
  kernel.services = normalizeState(own).services as typeof kernel.services
  await loop.wake()
  const whole = kernel.services
  kernel.services = []
  for (let rounds = 0; rounds < 3; rounds++) await loop.wake()
  expect(kernel.services).toEqual([])
  expect(told()).toEqual(['drift: somebody else changed what is ours (only reported):'])
  // It is gone, and comes again.
  kernel.services = whole
  await loop.wake()
  kernel.services = []
  await loop.wake()
  expect(told().length).toBe(2)
  await loop.stop()
})
