import { describe, expect, test } from 'vitest'
import type { HealthState, ServerHealth } from '../../src/desired/inputs.ts'
import type { AgentLine } from '../../src/health/probes/agent-line.ts'
import { initialHealth, restartSlowStart, serverHealth } from '../../src/health/server-health.ts'
import type { TargetReport } from '../../src/health/targets.ts'
import type { Check, CheckRule } from '../../src/site/site.ts'
import { common } from './support/checks.ts'

const tcp = (port: number): Check => ({
  ...common,
  kind: 'tcp',
  port,
  send: undefined,
  expect: undefined,
  tls: undefined,
})
const agent: Check = { ...common, kind: 'agent', port: 9707 }

function report(state: HealthState, words = '', line?: AgentLine): TargetReport {
  const reason = state === 'up' ? '' : words
  const verdict = state === 'up' ? 'success' : state === 'down' ? 'failure' : 'void'
  return { key: '', state, since: 0, reason, verdict, words, at: 0, certificateEnds: undefined, agent: line }
}

/** Health after each round of reports, in the order of the checks. */
function rounds(rule: CheckRule, adopted: boolean, ...all: (TargetReport | undefined)[][]): ServerHealth[] {
  let health = initialHealth(rule, adopted, 0)
  return all.map((reports, index) => {
    health = serverHealth(health, rule, (check) => reports[rule.checks.indexOf(check)], index + 1)
    return health
  })
}

const last = (...args: Parameters<typeof rounds>): ServerHealth | undefined => rounds(...args).at(-1)
const [up, down, unknown] = [report('up'), report('down', 'refused'), report('unknown', 'needs sockets')]

describe('adoption', () => {
  const rule = { atLeast: 1, checks: [tcp(80)] }
  test('there with a weight: up until proven down, without a slow start', () => {
    expect(rounds(rule, true, [undefined], [unknown], [up]).map(({ state }) => state)).toEqual(['up', 'up', 'up'])
    expect(last(rule, true, [undefined])?.reason).toBe('it had traffic at the start, not checked yet')
    expect(last(rule, true, [up])).toMatchObject({ state: 'up', since: 0, reason: '', slowStartSince: undefined })
    expect(last(rule, true, [down])).toMatchObject({ state: 'down', since: 1, reason: 'tcp :80: refused' })
  })

  test('absent: unknown until the first success, without a slow start', () => {
    expect(rounds(rule, false, [undefined], [unknown], [up])).toEqual([
      expect.objectContaining({ state: 'unknown', reason: 'tcp :80: no result yet' }),
      expect.objectContaining({ state: 'unknown', reason: 'tcp :80: needs sockets' }),
      { state: 'up', since: 3, reason: '', slowStartSince: undefined, agent: undefined },
    ])
  })

  test('without checks it is up', () => {
    expect(last({ atLeast: 0, checks: [] }, false, [])).toMatchObject({ state: 'up', reason: '' })
  })
})

describe('atLeast', () => {
  const checks = [tcp(80), tcp(443), tcp(8080)]
  test.each([
    [3, [up, up, up], 'up'],
    [3, [up, down, up], 'down'],
    [3, [up, unknown, up], 'unknown'],
    [1, [down, down, up], 'up'],
    [1, [down, down, down], 'down'],
    [1, [down, unknown, down], 'unknown'],
    [2, [up, down, up], 'up'],
    [2, [up, down, down], 'down'],
    [2, [up, down, unknown], 'unknown'],
  ] as const)('%i of %j is %s', (atLeast, reports, state) => {
    expect(last({ atLeast, checks }, false, [...reports])?.state).toBe(state)
  })

  test('the reason is the first check that fails', () => {
    expect(last({ atLeast: 3, checks }, true, [unknown, down, report('down', 'other')])?.reason).toBe(
      'tcp :443: refused',
    )
  })

  test('undecided keeps what was before', () => {
    const rule = { atLeast: 3, checks }
    const states = rounds(rule, false, [up, up, up], [up, undefined, up], [up, down, up], [up, undefined, up])
    expect(states.map(({ state }) => state)).toEqual(['up', 'up', 'down', 'down'])
  })
})

describe('slow start', () => {
  const rule = { atLeast: 1, checks: [tcp(80)] }
  test('begins when down ends, and ends when down begins', () => {
    const starts = rounds(rule, true, [up], [down], [up], [up], [down]).map(({ slowStartSince }) => slowStartSince)
    expect(starts).toEqual([undefined, undefined, 3, 3, undefined])
  })

  test('can be restarted for a server that is up', () => {
    const health = initialHealth(rule, true, 0)
    expect(restartSlowStart(health, 9)).toEqual({ ...health, slowStartSince: 9 })
    const failed = serverHealth(health, rule, () => down, 1)
    expect(restartSlowStart(failed, 9)).toBe(failed)
  })
})

describe('agents', () => {
  const line: AgentLine = { weight: 0.5, admin: undefined, health: undefined, reason: '' }
  const says = (more: Partial<AgentLine>): TargetReport => report('up', '', { ...line, ...more })
  const rule = { atLeast: 2, checks: [tcp(80), agent] }

  test('weight and administration are reported', () => {
    expect(last(rule, false, [up, says({})])).toMatchObject({ state: 'up', agent: { weight: 0.5, state: undefined } })
    expect(last(rule, false, [up, says({ admin: 'maintenance', reason: 'disk' })])).toMatchObject({
      state: 'up',
      agent: { state: 'maintenance', reason: 'disk' },
    })
  })

  test('a silent agent changes nothing beside other checks, and its last word holds', () => {
    expect(last(rule, false, [up, says({})], [up, down])).toMatchObject({ state: 'up', agent: { weight: 0.5 } })
    expect(last(rule, false, [up, undefined])).toMatchObject({ state: 'up' })
    expect(last({ ...rule, atLeast: 1 }, true, [down, says({})])).toMatchObject({ state: 'down' })
  })

  test('down by the agent wins', () => {
    expect(last(rule, true, [up, says({ health: 'down', reason: 'swapping' })])).toMatchObject({
      state: 'down',
      reason: 'agent says down swapping',
    })
  })

  test('an agent alone decides', () => {
    const alone = { atLeast: 1, checks: [agent] }
    expect(last(alone, true, [down])).toMatchObject({ state: 'down', reason: 'agent :9707: refused' })
    expect(last(alone, false, [says({ health: 'up' })])).toMatchObject({ state: 'up', agent: { state: 'ready' } })
  })
})

test('nothing new is the same object', () => {
  const rule = { atLeast: 1, checks: [tcp(80)] }
  const [first, second] = rounds(rule, true, [down], [down])
  expect(second).toBe(first)
})

test('an agent that is no longer among the checks is forgotten', () => {
  const drained: ServerHealth = {
    ...initialHealth({ atLeast: 1, checks: [] }, true, 0),
    agent: { weight: 0.5, state: 'drain', reason: '' },
  }
  expect(serverHealth(drained, { atLeast: 1, checks: [tcp(80)] }, () => undefined, 5).agent).toBeUndefined()
  expect(serverHealth(drained, { atLeast: 1, checks: [agent] }, () => undefined, 5).agent).toEqual(drained.agent)
})
