// Executes docs/ipvsadm.md: every command and every piece of code in it works as documented, and it covers every command and
// option of ipvsadm.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { Ipvs, type ListedDestination, type ListedService } from '../../lib/index.ts'
import type { Lab } from '../lab/client.ts'
import { optionsIn, readDocument } from './ipvsadm-document.ts'
import { optionRows } from './ipvsadm-option-rows.ts'
import { commandRows, type AbsentRow, type ExpectedRow } from './ipvsadm-rows.ts'
import { connectKernel } from './kernel.ts'

const expected: Readonly<Record<string, ExpectedRow | AbsentRow>> = { ...commandRows, ...optionRows }
// cli-adm.test.ts tests the differences of the command line.
const rows = readDocument().filter((row) => row.section !== 'The same command lines')
const refusedHere = rows.filter((row) => row.section === 'Accepted by ipvsadm, refused here')
const acceptedHere = rows.filter((row) => row.section === 'Refused by ipvsadm, accepted here')
const options = rows.filter((row) => !refusedHere.includes(row) && !acceptedHere.includes(row))
const isAbsent = (row: ExpectedRow | AbsentRow | undefined): row is AbsentRow => row !== undefined && 'absent' in row

const differences = new Map(
  Object.entries(expected).flatMap(([id, row]) => ('differs' in row ? [[id, row.differs]] : [])),
)

const web = '172.16.0.100:80'
const nothing = ['true', 'undefined'] as const
const forRefusals: Attempt['given'] = [
  `ipvsadm -A -f 7 -s rr; ipvsadm -A -t ${web} -s rr`,
  `Promise.all([ipvs.addService({ fwmark: 7, scheduler: 'rr' }),
     ipvs.addService({ protocol: 'tcp', address: '172.16.0.100', port: 80, scheduler: 'rr' })])`,
]

interface Attempt {
  readonly command: string
  readonly code: string
  readonly given: readonly [commands: string, code: string]
  readonly traffic: boolean
  readonly reads: boolean
  readonly via: string
}

interface Outcome {
  /** In the namespace of our code: its value or error, and ipvsadm's listing. */
  readonly ours: {
    readonly value?: unknown
    readonly error?: { code?: string; message: string }
    readonly shown: string
  }
  /** In the namespace of the command: its status, ipvsadm's listing, and ours. */
  readonly theirs: {
    readonly status: number
    readonly output: string
    readonly shown: string
    readonly listed: { services: ListedService[] }
  }
}

function attemptOf({ id, command, code }: (typeof rows)[number]): Attempt {
  const row = expected[id]
  const { given, traffic, reads, via }: Partial<ExpectedRow> = row !== undefined && 'shown' in row ? row : {}
  return {
    command,
    code,
    given: given ?? (row === undefined ? forRefusals : nothing),
    traffic: traffic ?? false,
    reads: reads ?? false,
    via: via ?? 'ipvsadm -Sn',
  }
}

let lab: Lab
let outcomes: ReadonlyMap<string, Outcome>

// All rows in one job, because creating namespaces takes most of the time. The tests check the results.
beforeAll(async () => {
  lab = await connectKernel()
  const tried = rows.filter((row) => row.code !== 'none')
  const results = await lab.run(
    async ({ ipvs: product, netns, sh, sleep, import: load }, attempts) => {
      const vm = await load<typeof import('node:vm')>('node:vm')
      const { spawn } = await load<typeof import('node:child_process')>('node:child_process')
      // One shell for all commands: starting a shell takes longer than a command.
      const openShell = (name: string) => {
        const { stdin, stdout } = spawn('ip', ['netns', 'exec', name, 'sh'], { stdio: ['pipe', 'pipe', 'inherit'] })
        const run = async (text: string): Promise<{ status: number; output: string }> => {
          stdin.write(`{ ${text}\n} </dev/null 2>&1; echo "=== $?"\n`)
          let output = ''
          for (;;) {
            output += await new Promise<string>((resolve) => stdout.once('data', (chunk) => resolve(String(chunk))))
            const end = /^=== (\d+)\n$/m.exec(output)
            if (end) return { status: Number(end[1]), output: output.slice(0, end.index) }
          }
        }
        return { run, end: () => stdin.end() }
      }
      const side = async () => {
        const { name, path } = await netns()
        const { run, end } = openShell(name)
        const inside = async (text: string): Promise<string> => {
          const { status, output } = await run(text)
          if (status !== 0) throw new Error(`status ${status} from ${text}: ${output}`)
          return output
        }
        await sh(
          `ip -n ${name} link add sync0 type dummy; ip -n ${name} link set sync0 up
           for host in 100 101; do ip -n ${name} addr add 172.16.0.$host/32 dev lo; done`,
        )
        const ipvs = await product.Ipvs.open({ netns: path })
        const close = async (): Promise<void> => {
          end()
          await ipvs.close()
        }
        const evaluate = async (code: string): Promise<unknown> =>
          (vm.runInThisContext(`(ipvs) => (${code})`) as (handle: unknown) => unknown)(ipvs)
        const traffic = async (): Promise<void> => {
          await inside("bash -c 'for i in {1..40}; do echo hello >/dev/udp/172.16.0.100/53; done'")
          for (let waits = 0; !/:53 +\d+ +40 /.test(await inside('ipvsadm -Ln --stats')); waits++) {
            if (waits === 50) throw new Error(`40 datagrams are not counted:\n${await inside('ipvsadm -Ln --stats')}`)
            await sleep(200)
          }
        }
        const reset = async ({ command, given }: Attempt): Promise<void> => {
          await ipvs.flush()
          const all = `${command} ${given[0]}`
          if (all.includes('daemon'))
            for (const { role } of await ipvs.listSyncDaemons()) await ipvs.stopSyncDaemon(role)
          if (all.includes('--set')) await ipvs.setTimeouts({ tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 })
        }
        return { ipvs, run, inside, evaluate, traffic, reset, close }
      }
      type Side = Awaited<ReturnType<typeof side>>
      const ours = async ({ inside, evaluate, traffic }: Side, attempt: Attempt) => {
        if (attempt.given[0] !== 'true') await inside(attempt.given[0])
        if (attempt.traffic) await traffic()
        const done: { value?: unknown; error?: { code?: string; message: string } } = {}
        try {
          done.value = await evaluate(attempt.code)
        } catch (error) {
          const { code, message } = error as { code?: string; message: string }
          done.error = { ...(code !== undefined && { code }), message }
        }
        return { ...done, shown: await inside(attempt.via) }
      }
      const theirs = async ({ ipvs, run, inside, evaluate, traffic }: Side, attempt: Attempt) => {
        if (attempt.reads) await evaluate(attempt.given[1])
        else if (attempt.given[0] !== 'true') await inside(attempt.given[0])
        if (attempt.traffic) await traffic()
        const { status, output } = await run(attempt.command)
        const shown = await inside(attempt.via)
        const [services, timeouts] = [await ipvs.snapshot(), await ipvs.getTimeouts()]
        const listed = { services, timeouts, daemons: await ipvs.listSyncDaemons() }
        return { status, output, shown, listed }
      }
      const sides = [await side(), await side()] as const
      const seen = []
      for (const attempt of attempts) {
        // A new namespace: connections and their counters outlive their service.
        const [us, them] = attempt.traffic ? [await side(), await side()] : sides
        const [mine, other] = await Promise.all([ours(us, attempt), theirs(them, attempt)])
        seen.push({ ours: mine, theirs: other })
        await Promise.all([us, them].map(async (each) => (attempt.traffic ? each.close() : each.reset(attempt))))
      }
      await Promise.all(sides.map(({ close }) => close()))
      return seen
    },
    tried.map(attemptOf),
    { timeoutMs: 540_000 },
  )
  outcomes = new Map(results.map((outcome, index) => [tried[index]?.id ?? '', outcome as Outcome]))
}, 600_000)
afterAll(() => lab.close())

function outcomeOf(id: string): Outcome {
  const outcome = outcomes.get(id)
  if (outcome === undefined) throw new Error(`"${id}" was not run`)
  return outcome
}

test('the document has exactly the commands and options of ipvsadm -h', async () => {
  const help = await lab.run(({ sh }) => sh('ipvsadm -h'))
  expect(help).toContain('ipvsadm v1.31')
  expect(optionsIn(rows.map((row) => (options.includes(row) ? row.id : '')).join(' '))).toEqual(optionsIn(help))
})

test('every row has one test, and every test a row', () => {
  expect(options.map((row) => row.id).toSorted()).toEqual(Object.keys(expected).toSorted())
  expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length)
  const marked = options.filter((row) => row.note.startsWith('**Differs**')).map((row) => row.id)
  expect(marked).toEqual([...differences.keys()])
  expect([refusedHere.length, acceptedHere.length]).not.toContain(0)
})

const covered = options.flatMap(({ id }) => {
  const row = expected[id]
  return row === undefined || isAbsent(row) ? [] : [{ id, row }]
})

describe.each(covered.filter(({ row }) => !row.reads))('$id', ({ id, row }) => {
  test('our code does it, ipvsadm shows it', () => {
    const { ours } = outcomeOf(id)
    expect(ours.error).toBeUndefined()
    expect(ours.shown).toMatch(row.shown)
  })

  test('ipvsadm does it, we list it', () => {
    const { theirs } = outcomeOf(id)
    expect(theirs).toMatchObject({ status: 0, listed: row.listed })
  })
})

describe.each(covered.filter(({ row }) => row.reads))('$id', ({ id, row }) => {
  test('ipvsadm has done it, our code lists it', () => {
    const { ours } = outcomeOf(id)
    expect(ours.error).toBeUndefined()
    expect(ours.value).toMatchObject(row.listed as object)
  })

  test('we have done it, ipvsadm lists it', () => {
    const { theirs } = outcomeOf(id)
    expect(theirs).toMatchObject({ status: 0, output: expect.stringMatching(row.shown) as string })
  })
})

const same = covered.filter(({ id, row }) => !row.reads && !differences.has(id))
test.each(same)('$id: ipvsadm shows the same for both', ({ id }) => {
  const { ours, theirs } = outcomeOf(id)
  expect(ours.shown).toBe(theirs.shown)
})

test.each(options.filter(({ id }) => differences.has(id)))('$id: differs, as the document says', ({ id }) => {
  const { ours, theirs } = outcomeOf(id)
  const left = differences.get(id) as RegExp
  expect(theirs.shown).toMatch(left)
  expect(ours.shown).not.toMatch(left)
})

test('rates are listed', () => {
  const [listed] = outcomeOf('--rate').ours.value as ListedService[]
  const { connections = 0, inPackets = 0, inBytes = 0 } = listed?.statistics.rates ?? {}
  expect(Math.min(connections, inPackets, inBytes)).toBeGreaterThan(0)
})

test('connections are counted: one per source port, and some port may come twice', () => {
  const [service] = outcomeOf('--stats').ours.value as ListedService[]
  const [destination] = outcomeOf('--persistent-conn').ours.value as ListedDestination[]
  for (const count of [Number(service?.statistics.connections), destination?.inactiveConnections]) {
    expect(count).toBeGreaterThan(30)
    expect(count).toBeLessThan(41)
  }
})

test.each(options.filter((row) => row.code === 'none'))('$id has no equivalent', ({ id, note }) => {
  const row = expected[id] as AbsentRow
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as object
  expect(isAbsent(row)).toBe(true)
  expect(row.absent in Ipvs.prototype).toBe(false)
  expect(Object.keys(manifest)).not.toContain(row.absent)
  expect(note).not.toBe('')
})

test.each(refusedHere)('$id: accepted by ipvsadm, refused here', ({ id, note }) => {
  const { ours, theirs } = outcomeOf(id)
  const field = /^`([^`]+)`: /.exec(note)?.[1] ?? 'a field in the last column'
  expect(theirs).toMatchObject({ status: 0 })
  expect(ours.error).toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT' })
  expect(ours.error?.message).toContain(field)
  expect(ours.shown).toBe(`-A -t ${web} -s rr\n-A -f 7 -s rr\n`)
})

test.each(acceptedHere)('$id: refused by ipvsadm, accepted here', ({ id }) => {
  const { ours, theirs } = outcomeOf(id)
  expect(theirs.status).not.toBe(0)
  expect(theirs.shown).toBe(`-A -t ${web} -s rr\n-A -f 7 -s rr\n`)
  expect(ours.error).toBeUndefined()
  expect(ours.shown).not.toBe(theirs.shown)
})
