// From one state to another by the public functions.
import { checkMarkRules, type Ipvs, type MarkRule } from 'ipvs'
import { expect, test } from 'vitest'
import { applyChanges } from '../../../state/apply-changes.ts'
import type { RuleChange } from '../../../state/change.ts'
import { diffState, diffStateAsync } from '../../../state/diff.ts'
import { normalizeState } from '../../../state/normalize.ts'
import { StateError } from '../../../state/problems.ts'
import type { CurrentState, State } from '../../../state/state.ts'
import { emptyState } from './empty-state.ts'

const currentOf = (state: State): CurrentState => ({ ...emptyState, ...(normalizeState(state) as CurrentState) })
const web: State = {
  services: [
    {
      service: { fwmark: 7, persistence: { netmask: 24 } },
      destinations: [{ address: '10.0.0.7', weight: 5 }, { address: '10.0.0.8' }],
    },
    { service: { protocol: 'tcp', address: '2001:DB8::1', port: 80 }, destinations: [] },
  ],
  marks: [{ mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [443, 80] }],
}

test('spellings and defaults are no differences', async () => {
  expect(diffState(currentOf(web), web).toString()).toBe('')
  expect((await diffStateAsync(currentOf(web), web, { prune: true })).length).toBe(0)
})

test('changes as text, in the order of application; nothing is removed without prune', () => {
  const desired: State = {
    services: [
      { service: { fwmark: 7, persistence: { netmask: 24 } }, destinations: [{ address: '10.0.0.7', weight: 50 }] },
    ],
    marks: [{ mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443, 8080] }],
  }
  const changed = [
    '~ mark:7 -> 10.0.0.7:0 weight 5 -> 50',
    '~ marks 7 172.16.0.100 tcp 80,443 -> 7 172.16.0.100 tcp 80,443,8080',
  ]
  expect(diffState(currentOf(web), desired).toString().split('\n')).toEqual(changed)
  expect(diffState(currentOf(web), desired, { prune: true }).toString().split('\n')).toEqual([
    ...changed,
    '- mark:7 -> 10.0.0.8:0',
    '- service tcp:[2001:db8::1]:80',
  ])
})

test('a rule for some ports of an existing rule with the same mark needs no change', () => {
  const marks = [{ mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: 80 }] as const
  expect(diffState(currentOf(web), { marks }).length).toBe(0)
  expect(() => diffState(currentOf(web), { marks: [{ ...marks[0], mark: 8 }] })).toThrow(/marks\[0\]: .* overlaps/)
})

test('all problems at once, with their paths', () => {
  const desired = {
    services: [
      { service: { fwmark: 0 } },
      { service: { fwmark: 7 }, destinations: [{ address: '10.0.0.7', weight: -1 }] },
    ],
  }
  const error = (() => {
    try {
      return diffState(emptyState, desired)
    } catch (thrown) {
      return thrown
    }
  })()
  expect(error).toBeInstanceOf(StateError)
  expect((error as StateError).problems.map(({ path }) => path)).toEqual([
    'services[0].service.fwmark',
    'services[1].destinations[0].weight',
  ])
})

const rule = (mark: number, ports: number[]) => ({ mark, address: '172.16.0.100', protocol: 'tcp', ports }) as const

test('skipInvalid leaves out every rule that overlaps another one, however many there are', async () => {
  const good = rule(8, [443])
  const marks = [...Array.from({ length: 31 }, (_, mark) => rule(mark + 9, [80])), good]
  for (const diff of [diffState, diffStateAsync]) {
    const changes = await diff(emptyState, { marks }, { skipInvalid: true })
    expect(changes.problems).toHaveLength(30)
    expect(changes.list).toHaveLength(2)
    expect(() =>
      checkMarkRules(changes.list.map((change) => (change as RuleChange<'mark', MarkRule>).rule)),
    ).not.toThrow()
    expect(changes.toString()).toContain('443')
  }
})

test('each change is applied or a failure', async () => {
  const changes = diffState(emptyState, { services: web.services })
  const ipvs = {
    batch: (items: unknown[]) => Promise.resolve({ applied: items.length, failures: [], done: items.length }),
  }
  const result = await applyChanges(changes, { ipvs: ipvs as unknown as Ipvs })
  expect(result).toEqual({ applied: 4, failures: [] })
})
