// Every entry that the kernel stores and we list can be passed back, saved and restored. Random rows are written past all our
// checks. IPVS_TEST_SEED=N sets the random seed.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { adm as Adm } from '../../cli/adm/run.ts'
import type { runProgram as RunProgram } from '../../cli/verbs/program.ts'
import type * as BindingModule from '../../lib/binding/addon.ts'
import type { BatchOperation, ListedDestination, ListedService, ServiceSnapshot } from '../../lib/index.ts'
import type * as Records from '../../lib/binding/records.ts'
import type { Lab } from '../lab/client.ts'
import { keptRows, type Fields } from './kept-rows.ts'
import { connectKernel } from './kernel.ts'
import { withoutCounters } from './renderings.ts'

const firstSeed = Number(process.env['IPVS_TEST_SEED'] ?? 1)
const schedulers = 'rr wrr lc wlc sh mh dh none'.split(' ')

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

async function carryOut(rows: ReturnType<typeof keptRows>) {
  return lab.run(
    async ({ ipvs: { Ipvs }, import: load, netns, run }, given) => {
      const { binding } = await load<typeof BindingModule>('./dist/binding/addon.js')
      const { operationCode, rowWriters } = await load<typeof Records>('./dist/binding/records.js')
      const { runProgram } = await load<{ runProgram: typeof RunProgram }>('./out/cli/verbs/program.js')
      const { adm } = await load<{ adm: typeof Adm }>('./out/cli/adm/run.js')
      const { Readable } = await load<typeof import('node:stream')>('node:stream')
      const place = await netns()
      const session = new binding.IpvsSession({ netns: new binding.Namespace(place.path) })
      let calls = 0
      let refused = 0
      const rowOf = (fields: Fields): object =>
        Object.fromEntries(
          Object.entries(fields).map(([name, value]) => [name, Array.isArray(value) ? Uint8Array.from(value) : value]),
        )
      const write = async (operation: string, service: Fields, destination?: Fields): Promise<boolean> => {
        const [services, destinations] = [rowWriters.services.block(1), rowWriters.destinations.block(1)]
        services.append(rowOf(service))
        if (destination !== undefined) destinations.append(rowOf(destination))
        const triple = Uint32Array.of(operationCode(operation), 0, 0)
        const call = { id: ++calls, timeoutMs: 10_000 }
        const { failures } = await session.execute(call, triple, services.bytes(), destinations.bytes())
        if (failures.length > 0) refused++
        return failures.length === 0
      }
      for (const { key, settings, destinations } of given) {
        if (!(await write('addService', { ...key, ...settings }))) continue
        for (const destination of destinations) await write('addDestination', key, destination)
      }
      await session.close()

      const ipvs = await Ipvs.open({ netns: place.path })
      const complaints: string[] = []
      const settle = async (what: string, promises: Promise<unknown>[]): Promise<void> => {
        for (const result of await Promise.allSettled(promises)) {
          if (result.status === 'rejected') complaints.push(`${what}: ${String(result.reason)}`)
        }
      }
      const batch = async (what: string, operations: BatchOperation[]): Promise<void> => {
        const { failures } = await ipvs.batch(operations)
        for (const { error } of failures) complaints.push(`${what}: ${error.message}`)
      }
      const each = <Result>(use: (service: ListedService, destination: ListedDestination) => Result): Result[] =>
        listed.flatMap((service) => service.destinations.toReversed().map((destination) => use(service, destination)))
      const program = async (words: string[], input = ''): Promise<string> => {
        let text = ''
        const output = {
          out: (more: string) => void (text += more),
          error: (more: string) => void complaints.push(`${words[0]}: ${more}`),
          terminal: false,
          input: Readable.from([input]),
        }
        const status = await runProgram([...words, '--netns', place.name], output)
        if (status !== 0) complaints.push(`${words.join(' ')}: status ${status}`)
        return text
      }
      const states: ServiceSnapshot[][] = []
      const look = async (): Promise<void> => void states.push(await ipvs.snapshot())
      const listed = await ipvs.snapshot()

      let ours = ''
      const out = (more: string) => void (ours += more)
      await adm(['-Ln'], { out, error: out, terminal: false, input: Readable.from(['']) }, place.path)
      const theirs = await run('ipvsadm', ['-Ln'], { netns: place })

      await settle(
        'updateService',
        listed.map((service) => ipvs.updateService(service, service)),
      )
      await settle(
        'updateDestination',
        each((service, destination) => ipvs.updateDestination(service, destination, destination)),
      )
      await batch('batch of patches', [
        ...listed.map((service) => ({ operation: 'updateService', service, patch: service }) as const),
        ...each(
          (service, destination) =>
            ({ operation: 'updateDestination', service, destination, patch: destination }) as const,
        ),
      ])
      await look()
      const document = await program(['save'])
      const nothing = await program(['restore'], document)
      await ipvs.flush()
      await program(['restore'], document)
      await look()
      await ipvs.flush()
      await settle(
        'addService',
        listed.map((service) => ipvs.addService(service)),
      )
      await settle(
        'addDestination',
        each((service, destination) => ipvs.addDestination(service, destination)),
      )
      await look()
      await ipvs.flush()
      await batch('batch', [
        ...listed.map((service) => ({ operation: 'addService', service }) as const),
        ...each((service, destination) => ({ operation: 'addDestination', service, destination }) as const),
      ])
      await look()
      await settle(
        'removeDestination',
        each((service, destination) => ipvs.removeDestination(service, destination)),
      )
      const empty = (await ipvs.snapshot()).flatMap(({ destinations }) => destinations)
      await settle(
        'removeService',
        listed.map((service) => ipvs.removeService(service)),
      )
      const left = [...empty, ...(await ipvs.snapshot())].length
      await ipvs.close()
      return { listed, states, refused, complaints, nothing, left, ours, theirs: theirs.stdout }
    },
    rows,
    { timeoutMs: 240_000 },
  )
}

const sorted = (services: readonly ServiceSnapshot[]): string[] =>
  services
    .map(withoutCounters)
    .map((service) => JSON.stringify(service))
    .toSorted()

test.each([0, 1, 2])(
  'listed entries can be passed back, saved and restored (%i)',
  { timeout: 300_000 },
  async (more) => {
    const rows = keptRows(firstSeed + more, 60, schedulers)
    const seen = await carryOut(rows)
    expect(seen.complaints).toEqual([])
    expect(seen.nothing).toBe('')
    expect(seen.left).toBe(0)
    for (const state of seen.states) expect(sorted(state)).toEqual(sorted(seen.listed))
    expect(seen.states).toHaveLength(4)
    // The kernel has stored most of them.
    expect(seen.listed.length).toBeGreaterThan(40)
    expect(seen.listed.flatMap(({ destinations }) => destinations).length).toBeGreaterThan(60)
    // Excludes the differences in docs/ipvsadm.md: the name of bypass, large marks, and the third flag of sh and mh.
    const plain = (text: string) =>
      text.split('\n').filter((line) => !/^FWM {2}(-|\d{10})|\((null|.*flag-3.*|)\)/.test(line))
    expect(plain(seen.ours.replaceAll('Bypass', '(null)'))).toEqual(plain(seen.theirs))
  },
)

test('the rows cover every kind', () => {
  const all = JSON.stringify([0, 1, 2].map((more) => keptRows(firstSeed + more, 60, schedulers)))
  const fields = [
    ...[0, 1, 2, 3, 4].map((forwarding) => `"forwarding":${forwarding},`),
    ...'"timeout":0 "netmask":[0,0,0,0] "persistenceEngine":"sip" "protocol":47 "tunnelType":2 "fwmark":'.split(' '),
    ...'"address":[0,0,0,0],"port":80 "address":[254,128, 255,255,10,0,0,7]'.split(' '),
  ]
  expect(fields.filter((field) => !all.includes(field))).toEqual([])
})
