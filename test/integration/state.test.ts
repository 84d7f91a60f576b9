// States on the real kernel: from any state to any other, beside a second writer, and the example of docs/state.md.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { runProgram as RunProgram } from '../../cli/verbs/program.ts'
import type * as StateModule from '../../state/index.ts'
import type { State } from '../../state/index.ts'
import type { Lab } from '../lab/client.ts'
import { Random, randomState } from '../unit/state/random-state.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

const pairsOf = (seeds: readonly number[]): { from: State; to: State }[] =>
  seeds.map((seed) => {
    const random = new Random(seed)
    return { from: randomState(random), to: randomState(random) }
  })

// A job of the lab has a minute.
test.each([1, 5, 9])('random states from seed %i: applied, read back equal, and then no differences', async (first) => {
  const problems = await lab.run(
    async ({ ipvs: { FirewallMarks, Ipvs }, import: load, netns }, pairs) => {
      const state = await load<typeof StateModule>('./dist/state/index.js')
      const { isDeepStrictEqual } = await load<typeof import('node:util')>('node:util')
      const { path } = await netns()
      const [ipvs, marks] = [await Ipvs.open({ netns: path }), await FirewallMarks.open({ netns: path })]
      const found: string[] = []
      for (const [index, { from, to }] of pairs.entries()) {
        for (const desired of [from, to]) {
          const changes = state.diffState(await state.readState({ ipvs, marks }), desired, { prune: true })
          const { applied, failures } = await state.applyChanges(changes, { ipvs, marks })
          found.push(...failures.map(({ message }) => `${index}: ${message}`))
          if (applied !== changes.length) found.push(`${index}: ${applied} of ${changes.length} applied`)
          const current = await state.readState({ ipvs, marks })
          const again = state.diffState(current, desired, { prune: true })
          if (again.length > 0) found.push(`${index}: second comparison: ${again.toString()}`)
          const [left, right] = [current, state.normalizeState(desired)].map((each) =>
            state.stateEntries(each).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
          )
          if (!isDeepStrictEqual(left, right)) found.push(`${index}: other entries: ${JSON.stringify([left, right])}`)
        }
      }
      await Promise.all([ipvs.close(), marks.close()])
      return found
    },
    pairsOf([first, first + 1, first + 2, first + 3]),
  )
  expect(problems).toEqual([])
})

test('with a second writer: applied plus failed is everything, and applied changes are in the table', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, import: load, netns }) => {
    const { applyChanges, diffState, readState, stateEntries } = await load<typeof StateModule>('./dist/state/index.js')
    const { path } = await netns()
    const [ipvs, other] = [await Ipvs.open({ netns: path }), await Ipvs.open({ netns: path })]
    const services = Array.from({ length: 400 }, (_, index) => ({ service: { fwmark: index + 1 } }))
    // The second writer adds every third service; it removes none.
    const theirs = services.filter((_, index) => index % 3 === 0).map(({ service }) => service)
    const changes = diffState(await readState({ ipvs }), { services })
    const [result, added] = await Promise.all([applyChanges(changes, { ipvs }), other.addServices(theirs)])
    const keys = new Set(stateEntries(await readState({ ipvs })).map(({ key }) => key))
    const failed = new Set(result.failures.map(({ index }) => index))
    const lies = changes.list.filter(({ key }, index) => !failed.has(index) && !keys.has(key)).map(({ key }) => key)
    await Promise.all([ipvs.close(), other.close()])
    const reasons = [...new Set(result.failures.map(({ reason }) => reason))]
    return { lies, reasons, total: result.applied + result.failures.length, both: result.applied + added.applied }
  })
  expect(seen.lies).toEqual([])
  expect(seen.total).toBe(400)
  expect(seen.both).toBe(400) // each service was added once, by one of the two
  expect(['', 'lost-race']).toContain(seen.reasons.join())
})

test('the example of docs/state.md prints what docs/state.md says', async () => {
  const text = readFileSync(new URL('../../docs/state.md', import.meta.url), 'utf8')
  const [, code = ''] = /```ts\n([^]*?)```/.exec(text) ?? []
  const [, printed = ''] = /The first run prints:\n\n```\n([^]*?)```/.exec(text) ?? []
  const source = code.replaceAll(/^import .*$/gm, '').replaceAll(': State', '')
  const seen = await lab.run(async ({ ipvs: { FirewallMarks, Ipvs }, import: load, netns }, example) => {
    const state = await load<typeof StateModule>('./dist/state/index.js')
    const place = await netns()
    const opens = (Class: typeof Ipvs | typeof FirewallMarks) => ({
      open: () => (Class as typeof Ipvs).open({ netns: place.path }),
    })
    const lines: string[] = []
    const log = {
      log: (line: string) => void (line && lines.push(line)),
      error: (line: string) => void lines.push(line),
    }
    const names = ['Ipvs', 'FirewallMarks', 'applyChanges', 'diffState', 'readState', 'console']
    const AsyncFunction = (async () => {}).constructor as new (
      ...words: string[]
    ) => (...values: unknown[]) => Promise<void>
    const run = new AsyncFunction(...names, `${example}\nawait Promise.all([ipvs.close(), marks.close()])`)
    const values = [opens(Ipvs), opens(FirewallMarks), state.applyChanges, state.diffState, state.readState, log]
    await run(...values)
    const first = lines.splice(0).join('\n')
    await run(...values)
    const second = lines.splice(0).join('\n')
    const ipvs = await Ipvs.open({ netns: place.path })
    await ipvs.updateDestination({ fwmark: 7 }, { address: '10.0.0.7' }, { weight: 5 })
    await run(...values)
    await ipvs.close()
    return { first, second, third: lines.join('\n') }
  }, source)
  expect(`${seen.first}\n`).toBe(printed)
  expect(seen.second).toBe('0 of 0 changes applied')
  expect(seen.third).toBe('~ mark:7 -> 10.0.0.7:0 weight 5 -> 50\n1 of 1 changes applied')
})

test('ipvs apply: YAML, with places of problems; nothing of another program is removed without --prune', async () => {
  const yaml = `services:
  - service: { protocol: tcp, address: 172.16.0.100, port: 80, scheduler: rr }
    destinations:
      - { address: 10.0.0.7, weight: 50 }
`
  const seen = await lab.run(async ({ ipvs: { Ipvs }, import: load, netns }, good) => {
    const { runProgram } = await load<{ runProgram: typeof RunProgram }>('./out/cli/verbs/program.js')
    const { Readable } = await load<typeof import('node:stream')>('node:stream')
    const place = await netns()
    const ipvs = await Ipvs.open({ netns: place.path })
    await ipvs.addService({ fwmark: 9 }) // another program's
    const apply = async (text: string, ...words: string[]) => {
      let [stdout, stderr] = ['', '']
      const out = (more: string) => void (stdout += more)
      const error = (more: string) => void (stderr += more)
      const output = { out, error, terminal: false, input: Readable.from([text]) }
      const status = await runProgram(['apply', '-', ...words, '--netns', place.name], output)
      return { status, stdout, stderr, services: (await ipvs.listServices()).length }
    }
    const all = [
      await apply(good.replace('50', '-50')),
      await apply(good, '--dry-run'),
      await apply(good),
      await apply(good),
      await apply(good, '--prune'),
    ]
    await ipvs.close()
    return all
  }, yaml)
  const problem = 'standard input:4:30: services[0].destinations[0].weight: -50 is not '
  expect(seen[0]).toMatchObject({ status: 1, stdout: '', services: 1 })
  expect(seen[0]?.stderr).toContain(`ipvs: cannot be applied: ${problem}`)
  const added = `+ service tcp:172.16.0.100:80 rr
+ tcp:172.16.0.100:80 -> 10.0.0.7:80 direct weight 50
`
  expect(seen.slice(1)).toEqual([
    { status: 0, stdout: added, stderr: '', services: 1 },
    { status: 0, stdout: added, stderr: '', services: 2 },
    { status: 0, stdout: '', stderr: '', services: 2 },
    { status: 0, stdout: '- service mark:9\n', stderr: '', services: 1 },
  ])
})
