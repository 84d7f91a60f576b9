// Random configurations, applied by us in one namespace and by `ipvsadm -R` in another. Afterwards ipvsadm must print the same for
// both, and our listings of both must match the configuration. Then the same with random patches, for which ipvsadm needs all
// settings of the changed entry. IPVS_TEST_SEED=N sets the random seed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { DestinationPatch, ServicePatch, ServiceSnapshot } from '../../lib/index.ts'
import type { Lab } from '../lab/client.ts'
import { Random, randomTable, type ServiceModel } from './configurations.ts'
import { connectKernel } from './kernel.ts'
import { patchDestination, patchService } from './patches.ts'
import {
  blocks,
  destinationLine,
  expectedListing,
  ourDestination,
  ourService,
  serviceLine,
  withoutCounters,
} from './renderings.ts'

const firstSeed = Number(process.env['IPVS_TEST_SEED'] ?? 1)
const seeds = Array.from({ length: 8 }, (_, index) => firstSeed + index)
const tableSize = 45 // so 360 configurations

let lab: Lab
let schedulers: string[] // of this kernel: some lack "twos"
beforeAll(async () => {
  lab = await connectKernel()
  const known = 'rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq twos'.split(' ')
  schedulers = await lab.run(async ({ run }, names) => {
    const loaded = []
    for (const name of names) if ((await run('modprobe', ['-q', `ip_vs_${name}`])).status === 0) loaded.push(name)
    return loaded
  }, known)
  schedulers.push('none')
})
afterAll(() => lab.close())

/** The input of the lab for one table. */
function plan(seed: number) {
  const random = new Random(seed)
  const table = randomTable(random, tableSize, schedulers)
  const added = {
    ours: table.map((service) => ({
      service: ourService(service, random),
      destinations: service.destinations.map((destination) => ourDestination(service, destination, random)),
    })),
    theirs: table.flatMap((service) => [
      serviceLine('-A', service),
      ...service.destinations.map((destination) => destinationLine('-a', service, destination)),
    ]),
    expected: table.map((service) => expectedListing(service)),
  }
  const patched = { ...planPatches(random, table), expected: table.map((service) => expectedListing(service)) }
  return { added, patched }
}

function planPatches(random: Random, table: readonly ServiceModel[]) {
  const ours: { key: ServiceModel['key']; address?: string; port?: number; patch: ServicePatch | DestinationPatch }[] =
    []
  const theirs: string[] = []
  for (const service of table) {
    const { key, destinations } = service
    // Several patches for one service: each must see the previous changes.
    for (let count = random.upTo(3); count > 0; count--) {
      ours.push({ key, patch: patchService(random, service, schedulers) })
    }
    theirs.push(serviceLine('-E', service))
    for (const destination of destinations) {
      const { address, port } = destination
      for (let count = random.upTo(3); count > 0; count--) {
        ours.push({ key, address, port, patch: patchDestination(random, service, destination) })
      }
      theirs.push(destinationLine('-e', service, destination))
    }
  }
  return { ours, theirs }
}

interface Seen {
  readonly saved: string
  readonly thresholds: string
  readonly tunnels: string
  readonly listed: readonly ServiceSnapshot[]
}

async function carryOut(planned: ReturnType<typeof plan>) {
  return lab.run(
    async ({ ipvs: { Ipvs }, netns, run, sh }, { added, patched }) => {
      const [us, them] = [await netns(), await netns()]
      const [ours, theirs] = [await Ipvs.open({ netns: us.path }), await Ipvs.open({ netns: them.path })]
      const complaints: unknown[] = []
      // All in one tick.
      const settle = async (calls: Promise<void>[]): Promise<void> => {
        for (const result of await Promise.allSettled(calls)) {
          if (result.status === 'rejected') complaints.push(result.reason)
        }
      }
      const restore = async (lines: readonly string[]): Promise<void> => {
        const { status, stderr } = await run('ipvsadm', ['-R'], { netns: them, input: `${lines.join('\n')}\n` })
        if (status !== 0 || stderr !== '') complaints.push(`ipvsadm -R: status ${status} ${stderr}`)
      }
      const look = async (place: typeof us, handle: typeof ours): Promise<Seen> => ({
        saved: await sh('ipvsadm -Sn', { netns: place }),
        thresholds: await sh('ipvsadm -Ln --thresholds', { netns: place }),
        tunnels: await sh('ipvsadm -Ln --tun-info', { netns: place }),
        listed: await handle.snapshot(),
      })
      const both = async () => ({ ours: await look(us, ours), theirs: await look(them, theirs) })

      await settle(
        added.ours.flatMap(({ service, destinations }) => [
          ours.addService(service),
          ...destinations.map((destination) => ours.addDestination(service, destination)),
        ]),
      )
      await restore(added.theirs)
      const first = await both()
      await settle(
        patched.ours.map(({ key, address, port = 0, patch }) =>
          address === undefined
            ? ours.updateService(key, patch as ServicePatch)
            : ours.updateDestination(key, { address, port }, patch as DestinationPatch),
        ),
      )
      await restore(patched.theirs)
      const second = await both()
      await Promise.all([ours.close(), theirs.close()])
      return { complaints, first, second }
    },
    planned,
    { timeoutMs: 240_000 },
  )
}

const byKey = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
const sorted = (services: readonly object[]): object[] => {
  const ordered = services.map((service) => Object.fromEntries(Object.entries(service).toSorted(byKey)))
  return ordered.toSorted(byKey)
}

function compare({ ours, theirs }: { ours: Seen; theirs: Seen }, expected: readonly object[]): void {
  expect(ours.saved.split('\n').toSorted()).toEqual(theirs.saved.split('\n').toSorted())
  expect(blocks(ours.thresholds)).toEqual(blocks(theirs.thresholds))
  expect(blocks(ours.tunnels)).toEqual(blocks(theirs.tunnels))
  expect(blocks(ours.tunnels)).toHaveLength(tableSize)
  expect(sorted(theirs.listed.map(withoutCounters))).toEqual(sorted(expected))
  expect(sorted(ours.listed.map(withoutCounters))).toEqual(sorted(expected))
}

describe.each(seeds)('IPVS_TEST_SEED=%i', (seed) => {
  test(`${tableSize} configurations, then patches`, { timeout: 300_000 }, async () => {
    const planned = plan(seed)
    const { complaints, first, second } = await carryOut(planned)
    expect(complaints).toEqual([])
    compare(first, planned.added.expected)
    compare(second, planned.patched.expected)
    expect(second.ours.saved).not.toBe(first.ours.saved)
  })
})

test('the configurations cover every kind', () => {
  const all = seeds.flatMap((seed) => plan(seed).added.theirs)
  expect(all.filter((line) => line.startsWith('-A'))).toHaveLength(seeds.length * tableSize)
  const kinds = [
    ...schedulers.map((name) => new RegExp(`^-A.* -s ${name}( |$)`)),
    /^-A -f \d+ -s/,
    /^-A -f \d+ -6/,
    /^-A -f [34]\d{9} /,
    ...['-t', '-u', '--sctp-service'].flatMap((name) => [new RegExp(`^-A ${name} \\d`), new RegExp(`^-A ${name} \\[`)]),
    /^-A -t \S+:0 /,
    ...['flag-1', 'flag-2', 'flag-3', 'flag-1,flag-2,flag-3'].map((flags) => new RegExp(` -b ${flags}( |$)`)),
    / -s sh -b /,
    / -s mh -b /,
    / -M 255\.255\.255\.255/,
    / -M 128/,
    / --pe sip.* -o/,
    / -r \d\S+ -m /,
    / -r \[\S+ -m /,
    / -g -w 0 /,
    / -w \d{10} -x \d{10} -y \d{9,10}/,
    /\[\S+ -r \d\S+ -i/,
    /\d:\d+ -r \[\S+ -i/,
    /gue --tun-port \d+ --tun-remcsum/,
    /gre --tun-csum/,
  ]
  expect(kinds.filter((kind) => all.filter((line) => kind.test(line)).length < 2)).toEqual([])
})
