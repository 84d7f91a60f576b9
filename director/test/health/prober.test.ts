import { expect, onTestFinished, test, vi } from 'vitest'
import { type ProberBatch, Prober } from '../../src/health/prober.ts'
import type { Probe, ProbeResult } from '../../src/health/probes/probe.ts'
import { type Target, type TargetReport, probeKey } from '../../src/health/targets.ts'
import type { Check } from '../../src/site/site.ts'
import { common, local } from './support/checks.ts'

const success: ProbeResult = {
  verdict: 'success',
  words: 'connected',
  answered: true,
  phases: { connect: 3 },
  certificateEnds: undefined,
  agent: undefined,
  transcript: [],
}
const silence: ProbeResult = { ...success, verdict: 'failure', words: 'no connection', answered: false }
const refusal: ProbeResult = { ...silence, words: 'connection refused', answered: true }

function target(port: number, settings: Partial<Check> = {}): Target {
  const check = { ...common, kind: 'tcp', port, send: undefined, expect: undefined, tls: undefined, ...settings }
  return {
    key: probeKey(check as Check, local),
    check: check as Check,
    target: local,
    known: undefined,
    everyResult: false,
  }
}

function prober(probe: Probe, cap = 400): Prober {
  const made = new Prober({ probe, cap, random: () => 0.5 })
  onTestFinished(async () => {
    await made.close()
  })
  return made
}

const fast = { intervalMs: 20, whileFailingMs: 10, whileDownMs: 20 }
const wait = async (ms: number): Promise<void> => await new Promise((resolve) => void setTimeout(resolve, ms))

/** Takes batches until the condition holds. */
async function until(
  made: Prober,
  done: (reports: Map<string, TargetReport>, batch: ProberBatch) => boolean,
): Promise<Map<string, TargetReport>> {
  const reports = new Map<string, TargetReport>()
  await vi.waitUntil(
    () => {
      const batch = made.take()
      for (const report of batch.reports) reports.set(report.key, report)
      return done(reports, batch)
    },
    { timeout: 10_000, interval: 10 },
  )
  return reports
}

test('states and words are reported when they change, not each time', async () => {
  let runs = 0
  const made = prober(async () => {
    runs += 1
    return await Promise.resolve(success)
  })
  const one = target(1, fast)
  made.change([one], [])
  const reports = await until(made, (all) => all.size === 1)
  expect(reports.get(one.key)).toMatchObject({ state: 'up', verdict: 'success', words: 'connected', reason: '' })
  await vi.waitUntil(() => runs > 5)
  const batch = made.take()
  expect(batch.reports).toEqual([])
  expect(batch.kinds['tcp']?.verdicts.success).toBeGreaterThan(2)
})

test('with `everyResult` each result is reported', async () => {
  const made = prober(async () => await Promise.resolve(success))
  const one = { ...target(1, fast), everyResult: true }
  made.change([one], [])
  let count = 0
  await until(made, (_, { reports }) => (count += reports.length) > 3)
  expect(count).toBeGreaterThan(3)
})

test('down after `fall` failures, up after `rise` successes', async () => {
  let result = success
  const made = prober(async () => await Promise.resolve(result))
  const one = target(1, fast)
  made.change([one], [])
  await until(made, (all) => all.get(one.key)?.state === 'up')
  result = refusal
  const down = await until(made, (all) => all.get(one.key)?.state === 'down')
  expect(down.get(one.key)).toMatchObject({ reason: 'connection refused', words: 'connection refused' })
  result = success
  await until(made, (all) => all.get(one.key)?.state === 'up')
})

test('what was known before holds until it is disproved', async () => {
  const made = prober(async () => await Promise.resolve(success))
  const known = { state: 'down', since: 5, reason: 'refused', agent: undefined } as const
  const one = { ...target(1, { ...fast, rise: 1000 }), known }
  made.change([one], [])
  const reports = await until(made, (all) => all.size === 1)
  expect(reports.get(one.key)).toMatchObject({ state: 'down', since: 5, reason: 'refused' })
})

test('one probe of a target at a time, and never more than the cap', async () => {
  const inFlight = new Map<number, number>()
  let [now, most] = [0, 0]
  const made = prober(async (check) => {
    const port = check.kind === 'tcp' ? check.port : 0
    inFlight.set(port, (inFlight.get(port) ?? 0) + 1)
    now += 1
    most = Math.max(most, now)
    expect(inFlight.get(port)).toBe(1)
    await wait(30)
    inFlight.set(port, 0)
    now -= 1
    return success
  }, 7)
  made.change(
    Array.from({ length: 40 }, (_, port) => target(port, fast)),
    [],
  )
  const reports = await until(made, (all) => all.size === 40)
  expect(most).toBe(7)
  expect([...reports.values()].every(({ state }) => state === 'up')).toBe(true)
  await wait(100)
  expect(made.take().skipped).toBeGreaterThan(0)
})

test('commands take more of the cap', async () => {
  let [now, most] = [0, 0]
  const made = prober(async () => {
    now += 1
    most = Math.max(most, now)
    await wait(20)
    now -= 1
    return success
  }, 20)
  const commands = Array.from({ length: 12 }, (_, index) =>
    target(index, { ...fast, kind: 'command', command: ['true', String(index)] }),
  )
  made.change(commands, [])
  await until(made, (all) => all.size === 12)
  expect(most).toBe(2)
})

test('silence while this thread was blocked is no verdict; a refusal is', async () => {
  let blocking = false
  const made = prober(async (check) => {
    await wait(5)
    const end = performance.now() + 150
    if (blocking) while (performance.now() < end);
    await wait(0)
    return check.kind === 'tcp' && check.port === 1 ? silence : refusal
  })
  blocking = true
  const quiet = target(1, { ...fast, fall: 1 })
  made.change([quiet], [])
  let late = 0
  const reports = await until(made, (_, batch) => (late += batch.late) >= 3)
  expect(reports.get(quiet.key)).toMatchObject({
    state: 'unknown',
    verdict: 'void',
    words: 'not counted, the prober was late: no connection',
  })
  const refusing = target(2, { ...fast, fall: 1 })
  made.change([refusing], [quiet.key])
  await until(made, (all) => all.get(refusing.key)?.state === 'down')
})

test('silence is a failure also when the prober is always a little late', async () => {
  const made = prober(async () => {
    for (let step = 0; step < 6; step++) {
      await wait(40)
      const end = performance.now() + 25
      while (performance.now() < end);
    }
    return silence
  })
  const one = target(1, { ...fast, fall: 1 })
  made.change([one], [])
  const reports = await until(made, (all) => all.get(one.key)?.state === 'down')
  expect(reports.get(one.key)).toMatchObject({ verdict: 'failure', words: 'no connection' })
})

test('silence without lateness is a failure', async () => {
  const made = prober(async () => {
    await wait(1)
    return silence
  })
  const one = target(1, { ...fast, fall: 2 })
  made.change([one], [])
  const reports = await until(made, (all) => all.get(one.key)?.state === 'down')
  expect(reports.get(one.key)).toMatchObject({ verdict: 'failure', words: 'no connection' })
})

test('a removed target is stopped and says nothing more', async () => {
  const aborted = vi.fn<() => void>()
  const made = prober(async (_, __, ___, signal) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    aborted()
    return silence
  })
  const one = target(1, fast)
  made.change([one], [])
  await until(made, (_, batch) => batch.inFlight === 1)
  made.change([], [one.key])
  await until(made, (_, batch) => batch.inFlight === 0)
  expect(aborted).toHaveBeenCalledOnce()
  expect(made.take()).toMatchObject({ targets: 0, reports: [] })
})

test('a probe that rejects is no verdict', async () => {
  const made = prober(async () => await Promise.reject(new Error('bug')))
  const one = target(1, fast)
  made.change([one], [])
  const reports = await until(made, (all) => all.size === 1)
  expect(reports.get(one.key)).toMatchObject({
    state: 'unknown',
    verdict: 'void',
    words: 'the probe itself failed: bug',
  })
})

test('agent lines add up', async () => {
  const lines = [
    { weight: 0.5, admin: 'drain', health: undefined, reason: '' },
    { weight: undefined, admin: undefined, health: 'up', reason: 'x' },
  ] as const
  let turn = 0
  const made = prober(async () => await Promise.resolve({ ...success, agent: lines[Math.min(turn++, 1)] }))
  const one = target(1, fast)
  made.change([one], [])
  const reports = await until(made, (all) => all.get(one.key)?.agent?.health === 'up')
  expect(reports.get(one.key)?.agent).toEqual({ weight: 0.5, admin: 'drain', health: 'up', reason: 'x' })
})

test('equal checks have equal keys, whatever the order of their fields', () => {
  const one = target(1).check
  const other = Object.fromEntries(Object.entries(one).toReversed()) as unknown as Check
  expect(probeKey(other, { mark: undefined, family: 'ipv4', address: '127.0.0.1' })).toBe(probeKey(one, local))
  expect(probeKey({ ...one, rise: 9 }, local)).not.toBe(probeKey(one, local))
  expect(probeKey(one, { ...local, address: '127.0.0.2' })).not.toBe(probeKey(one, local))
})
