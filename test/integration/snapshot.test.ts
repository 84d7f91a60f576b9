// Snapshots of whole tables, with and without concurrent changes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

test('an empty table, and services without destinations', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, netns }) => {
    const { path } = await netns()
    const ipvs = await Ipvs.open({ netns: path })
    const empty = [await ipvs.snapshot(), await ipvs.snapshot({ consistent: false })]
    await ipvs.addService({ fwmark: 7, scheduler: 'rr' })
    await ipvs.addService({ protocol: 'udp', address: '2001:db8::1', port: 53, scheduler: 'wrr' })
    const bare = await ipvs.snapshot()
    const listed = await ipvs.listServices()
    await ipvs.close()
    return { empty, bare, listed }
  })
  expect(seen.empty).toEqual([[], []])
  expect(seen.bare).toHaveLength(2)
  expect(seen.bare).toEqual(seen.listed.map((service) => ({ ...service, destinations: [] })))
})

test('300 services with two destinations each: equal to the listing of ipvsadm, and added again', async () => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns, sh }) => {
      const [here, there] = [await netns(), await netns()]
      const saved = async ({ name }: typeof here): Promise<string> => sh('ipvsadm -Sn | sort', { netns: name })
      const ipvs = await Ipvs.open({ netns: here.path })
      const adding = []
      for (let mark = 1; mark <= 300; mark++) {
        adding.push(ipvs.addService({ fwmark: mark, scheduler: 'rr' }))
        for (const last of [1, 2]) {
          const address = `10.${last}.${mark >> 8}.${mark & 255}`
          adding.push(ipvs.addDestination({ fwmark: mark }, { address, weight: mark + last }))
        }
      }
      await Promise.all(adding)
      const snapshot = await ipvs.snapshot()
      const once = await ipvs.snapshot({ consistent: false })
      await ipvs.close()
      const copy = await Ipvs.open({ netns: there.path })
      const copying = []
      for (const { destinations, ...service } of snapshot) {
        copying.push(copy.addService(service))
        for (const each of destinations.toReversed()) copying.push(copy.addDestination(service, each))
      }
      await Promise.all(copying)
      const again = await copy.snapshot()
      await copy.close()
      return { snapshot, once, again, theirs: await saved(here), copied: await saved(there) }
    },
    undefined,
    { timeoutMs: 110_000 },
  )
  const lines = seen.snapshot.flatMap((service) => [
    `-A -f ${service.fwmark} -s ${service.scheduler}`,
    ...service.destinations.map(
      ({ address, port, weight }) => `-a -f ${service.fwmark} -r ${address}:${port} -g -w ${weight}`,
    ),
  ])
  const theirs = seen.theirs
    .trim()
    .split('\n')
    .map((line) => line.trim())
  expect(theirs).toHaveLength(900)
  expect(lines.toSorted()).toEqual(theirs.toSorted())
  expect(seen.once).toEqual(seen.snapshot)
  expect(seen.copied).toBe(seen.theirs)
  // The order of services is arbitrary; destinations are in order of age.
  const byMark = (list: typeof seen.snapshot) => list.toSorted((a, b) => (a.fwmark ?? 0) - (b.fwmark ?? 0))
  expect(byMark(seen.again)).toEqual(byMark(seen.snapshot))
})

describe('during concurrent changes', () => {
  /**
   * 250 services with two destinations each stay; `how` adds and removes further services, and further destinations of the stable
   * ones. Counts errors of snapshots in the stable entries.
   */
  const underChurn = async (how: 'ipvsadm' | 'handle', consistent: boolean, pauseMs: number) =>
    lab.run(
      async ({ ipvs: { Ipvs, IpvsError }, netns, sleep, start, sh }, given) => {
        const { name, path } = await netns()
        const ipvs = await Ipvs.open({ netns: path, timeoutMs: 30_000 })
        const STABLE = 250
        const stay = []
        for (let mark = 1; mark <= STABLE; mark++) {
          stay.push(ipvs.addService({ fwmark: mark, scheduler: 'rr' }))
          for (const last of [1, 2]) stay.push(ipvs.addDestination({ fwmark: mark }, { address: `10.0.0.${last}` }))
        }
        await Promise.all(stay)

        // Marks of temporary services: ten at a time, different ones each time.
        const range = (round: number) => Array.from({ length: 10 }, (_, i) => 1000 + ((round * 10 + i) % 500))
        const writer = { going: true, rounds: 0 }
        const byHandle = async (): Promise<void> => {
          const other = await Ipvs.open({ netns: path })
          for (; writer.going; writer.rounds++) {
            const marks = range(writer.rounds)
            const work = (one: (mark: number) => Promise<void>[]) => Promise.all(marks.flatMap(one))
            const guest = { address: '10.0.9.9' }
            await work((mark) => [
              other.addService({ fwmark: mark, scheduler: 'rr' }),
              other.addDestination({ fwmark: mark }, guest),
              other.addDestination({ fwmark: mark % STABLE || STABLE }, guest),
            ])
            await work((mark) => [
              other.removeService({ fwmark: mark }),
              other.removeDestination({ fwmark: mark % STABLE || STABLE }, guest),
            ])
            await sleep(given.pauseMs)
          }
          await other.close()
        }
        const byIpvsadm = async (): Promise<void> => {
          const lines = Array.from({ length: 2 }, (_, round) => range(round))
            .flat()
            .map((mark) => {
              const [own, guest] = [`-f ${mark}`, `-f ${mark % STABLE || STABLE} -r 10.0.9.9`]
              return `-A ${own} -s rr\n-a ${own} -r 10.0.9.9 -g\n-a ${guest} -g\n-D ${own}\n-d ${guest}\n`
            })
            .join('')
          const loop = 'while printf %s "$lines" | ipvsadm -R; do echo done; sleep "$pause"; done'
          const env = { lines, pause: String(given.pauseMs / 1000) }
          const child = start('sh', ['-c', loop], { netns: name, env })
          while (writer.going) await sleep(50)
          await child.stop()
          writer.rounds = child.output.stdout.split('done').length - 1
          if (child.output.stderr !== '') throw new Error(child.output.stderr)
        }
        const churn = given.how === 'handle' ? byHandle() : byIpvsadm()

        const wrong = { twice: 0, missing: 0, destinationTwice: 0, destinationMissing: 0, unexpected: 0 }
        let [good, conflicts] = [0, 0]
        for (const end = Date.now() + given.forMs; Date.now() < end || good + conflicts < 10;) {
          try {
            const snapshot = await ipvs.snapshot({ consistent: given.consistent })
            const seen = new Map(
              snapshot.map((service) => [service.fwmark, service.destinations.map((d) => d.address)]),
            )
            wrong.twice += snapshot.length - seen.size
            for (let mark = 1; mark <= STABLE; mark++) {
              const own = seen.get(mark)
              if (own === undefined) wrong.missing++
              else {
                wrong.destinationTwice += own.length - new Set(own).size
                for (const address of ['10.0.0.1', '10.0.0.2']) if (!own.includes(address)) wrong.destinationMissing++
              }
              if (own?.some((address) => !['10.0.0.1', '10.0.0.2', '10.0.9.9'].includes(address))) wrong.unexpected++
            }
            good++
          } catch (error) {
            if (!(error instanceof IpvsError) || error.code !== 'ERR_IPVS_CONFLICT') throw error
            conflicts++
          }
          await sleep(1) // lets the other handle run
        }
        writer.going = false
        await churn
        await ipvs.close()
        return {
          wrong,
          good,
          conflicts,
          rounds: writer.rounds,
          left: Number(await sh('ipvsadm -Sn | grep -c -- -A', { netns: name })),
        }
      },
      { how, consistent, pauseMs, forMs: 5000 },
      { timeoutMs: 110_000 },
    )
  const right = { twice: 0, missing: 0, destinationTwice: 0, destinationMissing: 0, unexpected: 0 }

  test.each(['ipvsadm', 'handle'] as const)('%s, with pauses: right, or a conflict', async (how) => {
    const seen = await underChurn(how, true, 200)
    expect(seen.wrong).toEqual(right)
    expect(seen.rounds).toBeGreaterThan(0)
    expect(seen.good).toBeGreaterThan(0)
  })

  test.each(['ipvsadm', 'handle'] as const)('%s, without pauses: stable entries are never wrong', async (how) => {
    const seen = await underChurn(how, true, 0)
    expect(seen.wrong).toEqual(right)
    expect(seen.rounds).toBeGreaterThan(0)
  })

  test('a single pass has no duplicates and no unknown entries', async () => {
    const seen = await underChurn('handle', false, 0)
    expect(seen.conflicts).toBe(0)
    expect(seen.wrong).toMatchObject({ twice: 0, destinationTwice: 0, unexpected: 0 })
  })
})
