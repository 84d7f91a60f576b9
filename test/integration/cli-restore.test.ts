// Saving and restoring: between ipvsadm and `ipvs adm` in both directions, and with `ipvs save` and `ipvs restore` without loss.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { adm as Adm } from '../../cli/adm/run.ts'
import type { runProgram as RunProgram } from '../../cli/verbs/program.ts'
import type { Lab } from '../lab/client.ts'
import { Random, randomTable, type ServiceModel } from './configurations.ts'
import { connectKernel } from './kernel.ts'
import { destinationLine, serviceLine, withoutCounters } from './renderings.ts'

const seed = Number(process.env['IPVS_TEST_SEED'] ?? 1)
const schedulers = 'rr wrr lc wlc sed nq sh mh dh'.split(' ')

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

function randomRules(): string {
  // ipvsadm saves larger marks as negative numbers, and omits the third flag of sh and mh: it cannot read either.
  const readable = ({ key, scheduler, flags }: ServiceModel): boolean =>
    (!('fwmark' in key) || key.fwmark <= 0x7fffffff) && !(/^[sm]h$/.test(scheduler) && flags & 4)
  const table = randomTable(new Random(seed), 50, schedulers).filter(readable)
  const lines = table.flatMap((service) => [
    serviceLine('-A', service),
    ...service.destinations.map((destination) => destinationLine('-a', service, destination)),
  ])
  return `${lines.join('\n')}\n`
}

test('each restores the rules saved by the other', async () => {
  const { first, second, third } = await lab.run(async ({ import: load, netns, run, sh }, rules) => {
    const { adm } = await load<{ adm: typeof Adm }>('./out/cli/adm/run.js')
    const { Readable } = await load<typeof import('node:stream')>('node:stream')
    const ours = async (words: string[], input: string, place: { path: string }) => {
      let text = ''
      const out = (more: string) => void (text += more)
      const status = await adm(words, { out, error: out, terminal: false, input: Readable.from([input]) }, place.path)
      if (status !== 0) throw new Error(`${words.join(' ')}: ${status} ${text}`)
      return text
    }
    const [start, middle, end] = [await netns(), await netns(), await netns()]
    await run('ipvsadm', ['-R'], { netns: start, input: rules })
    await ours(['-R'], await sh('ipvsadm -Sn', { netns: start }), middle)
    await run('ipvsadm', ['-R'], { netns: end, input: await ours(['-Sn'], '', middle) })
    const saved = async (place: typeof start) => (await sh('ipvsadm -Sn', { netns: place })).split('\n').toSorted()
    return { first: await saved(start), second: await saved(middle), third: await saved(end) }
  }, randomRules())
  expect(first.length).toBeGreaterThan(40)
  expect(second).toEqual(first)
  expect(third).toEqual(first)
})

test('restoring an unchanged table does nothing; after a flush it restores everything', async () => {
  const seen = await lab.run(async ({ ipvs: { FirewallMarks, Ipvs }, import: load, netns, run }, rules) => {
    const { runProgram } = await load<{ runProgram: typeof RunProgram }>('./out/cli/verbs/program.js')
    const { Readable } = await load<typeof import('node:stream')>('node:stream')
    const place = await netns()
    const program = async (words: string[], input = '') => {
      let text = ''
      const out = (more: string) => void (text += more)
      const output = { out, error: out, terminal: false, input: Readable.from([input]) }
      const status = await runProgram([...words, '--netns', place.name], output)
      if (status !== 0) throw new Error(`${words.join(' ')}: ${status} ${text}`)
      return text
    }
    await run('ipvsadm', ['-R'], { netns: place, input: rules })
    const [ipvs, marks] = [await Ipvs.open({ netns: place.path }), await FirewallMarks.open({ netns: place.path })]
    await marks.add([
      { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, '1000-2000'], comment: 'web' },
      { mark: 8, address: '172.16.0.100', protocol: 'tcp', ports: 80, source: '10.0.0.0/8', interface: 'eth*' },
      { mark: 9, mask: 0xff, address: '2001:db8::/32', protocol: 'all', counter: true },
      { mark: 10, address: '127.0.0.1', protocol: 'udp', ports: 9, counter: true },
    ])
    await marks.addNat([
      { action: 'masquerade', source: '10.0.0.0/24', protocol: 'tcp', sourcePorts: 20, counter: true },
      { action: 'masquerade', source: 'fd00::/64', protocol: 'all', address: '2001:db8::/32' },
      { action: 'redirect', address: '172.16.0.100', protocol: 'tcp', ports: 80, toPort: 8080, interface: 'eth0' },
    ])
    await run('bash', ['-c', 'ip link set lo up && echo >/dev/udp/127.0.0.1/9'], { netns: place })
    await ipvs.setTimeouts({ udpSeconds: 77 })
    const everything = async () => ({
      services: await ipvs.snapshot(),
      marks: await marks.list(),
      nat: await marks.listNat(),
      timeouts: await ipvs.getTimeouts(),
    })
    const before = await everything()
    const document = await program(['save'])
    const nothing = await program(['restore'], document)
    await ipvs.flush()
    await marks.flush()
    await ipvs.setTimeouts({ udpSeconds: 78 })
    await ipvs.addService({ fwmark: 4711 })
    const kept = await program(['restore', '--dry-run'], document)
    const dry = await program(['restore', '--dry-run', '--prune'], document)
    const untouched = await ipvs.listServices()
    const done = await program(['restore', '--prune'], document)
    const after = await everything()
    const again = await program(['restore'], document)
    await Promise.all([ipvs.close(), marks.close()])
    return { before, document, nothing, kept, dry, untouched: untouched.length, done, after, again }
  }, randomRules())
  expect([seen.nothing, seen.again]).toEqual(['', ''])
  expect(seen.done).toBe(seen.dry)
  expect(seen.dry).toBe(`${seen.kept}- service mark:4711\n`)
  expect(seen.untouched).toBe(1)
  expect(seen.document).not.toContain('packets')
  expect(seen.before.marks.some(({ packets = 0n }) => packets > 0n)).toBe(true)
  expect(seen.before.marks).toHaveLength(4)
  expect(seen.dry).toContain('\n+ marks 10 127.0.0.1 udp 9 --counter\n')
  expect(seen.dry).toContain('\n+ nat masquerade 10.0.0.0/24 tcp 20 --counter\n')
  expect(seen.dry).toContain('~ timeouts udpSeconds 78 -> 77\n')
  const plain = ({ before: { services, marks, nat, ...rest } }: Pick<typeof seen, 'before'>) => ({
    ...rest,
    rules: [...marks, ...nat].map(({ packets: _packets, bytes: _bytes, ...rule }) => rule),
    services: services
      .map(withoutCounters)
      .map((each) => JSON.stringify(each))
      .toSorted(),
  })
  expect(plain({ before: seen.after })).toEqual(plain(seen))
  expect(seen.before.services.length).toBeGreaterThan(30)
})

test('a row that cannot be applied is reported before any change, and skipped with --keep-going', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, import: load, netns }) => {
    const { runProgram } = await load<{ runProgram: typeof RunProgram }>('./out/cli/verbs/program.js')
    const { Readable } = await load<typeof import('node:stream')>('node:stream')
    const place = await netns()
    const ipvs = await Ipvs.open({ netns: place.path })
    await ipvs.addService({ fwmark: 1 })
    const service = (fwmark: number, more: object = {}) => ({
      service: { fwmark, ...more },
      destinations: [{ address: '10.0.0.7' }, { address: '10.0.0.8', weight: -1 }],
    })
    const services = [service(7), service(8, { scheduler: 'nonesuch' }), service(9, { scheduler: 7 }), service(10)]
    const document = JSON.stringify({ version: 1, services })
    const restore = async (...words: string[]) => {
      let [stdout, stderr] = ['', '']
      const out = (more: string) => void (stdout += more)
      const error = (more: string) => void (stderr += more)
      const output = { out, error, terminal: false, input: Readable.from([document]) }
      const status = await runProgram(['restore', ...words, '--netns', place.name], output)
      const marks = (await ipvs.snapshot()).map(({ fwmark, destinations }) => `${fwmark}: ${destinations.length}`)
      return { status, stdout, stderr, marks: marks.toSorted() }
    }
    const all = {
      dry: await restore('--dry-run'),
      plain: await restore(),
      dryOn: await restore('--keep-going', '--dry-run'),
      on: await restore('--keep-going'),
    }
    await ipvs.close()
    return all
  })
  const named = [0, 1, 3].map((index) => `services[${index}].destinations[1].weight`)
  for (const { status, stdout, stderr, marks } of [seen.dry, seen.plain]) {
    expect({ status, stdout, marks }).toEqual({ status: 1, stdout: '', marks: ['1: 0'] })
    for (const name of [...named, 'services[2].service.scheduler'])
      expect(stderr).toContain(`cannot be applied: ${name}: `)
    expect(stderr).toContain('nothing was changed; "--keep-going"')
  }
  expect(seen.dryOn).toMatchObject({ status: 1, marks: ['1: 0'] })
  expect(seen.on).toMatchObject({ status: 1, marks: ['10: 1', '1: 0', '7: 1'], stdout: seen.dryOn.stdout })
  expect(seen.on.stderr).toContain('+ service mark:8 nonesuch: ')
  expect(seen.on.stderr).toContain('4 of 6 changes carried out, 2 failed\n')
})
