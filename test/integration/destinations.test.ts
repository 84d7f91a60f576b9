// Destinations on the real kernel, with ipvsadm as the oracle.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Destination, ServiceKey } from '../../lib/index.ts'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

const mark: [ServiceKey, string] = [{ fwmark: 7 }, '-f 7']
const web: [ServiceKey, string] = [{ protocol: 'tcp', address: '172.16.0.100', port: 80 }, '-t 172.16.0.100:80']
const six: [ServiceKey, string] = [{ protocol: 'tcp', address: '2001:db8::100', port: 80 }, '-t [2001:db8::100]:80']

// A service, a destination, and its line of `ipvsadm -Sn`.
const destinations: readonly [[ServiceKey, string], Destination, string][] = [
  [mark, { address: '10.0.0.7', forwarding: 'direct', weight: 1 }, '-r 10.0.0.7:0 -g -w 1'],
  [mark, { address: '10.0.0.8', forwarding: 'masquerade', weight: 3 }, '-r 10.0.0.8:0 -m -w 3'],
  [web, { address: '10.0.0.7' }, '-r 10.0.0.7:80 -g -w 1'],
  [web, { address: '10.0.0.7', port: 8080, forwarding: 'masquerade', weight: 0 }, '-r 10.0.0.7:8080 -m -w 0'],
  [web, { address: '10.0.0.7', forwarding: 'tunnel', weight: 65536 }, '-r 10.0.0.7:80 -i -w 65536'],
  [six, { address: '2001:db8::7', forwarding: 'direct', weight: 2 }, '-r [2001:db8::7]:80 -g -w 2'],
]

test.each(destinations)('to %j we add %j, ipvsadm saves %s', async ([key, service], destination, saved) => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns, sh }, given) => {
      const { name, path } = await netns()
      const ipvs = await Ipvs.open({ netns: path })
      await ipvs.addService({ ...given.key, scheduler: 'rr' })
      await ipvs.addDestination(given.key, given.destination)
      const save = await sh('ipvsadm -Sn', { netns: name })
      const listed = await ipvs.listDestinations(given.key)
      for (const each of listed) await ipvs.removeDestination(given.key, each)
      const left = await ipvs.listDestinations(given.key)
      await ipvs.close()
      return { save, listed, left }
    },
    { key, destination },
  )
  const line = seen.save.split('\n').find((each) => each.startsWith('-a')) ?? ''
  expect(line.trim().split(/\s+/).slice(0, 8).join(' ')).toBe(`-a ${service} ${saved}`.slice(0, line.trim().length))
  expect(seen.listed).toMatchObject([destination])
  expect(seen.left).toEqual([])
})

test('thresholds and tunnels, both ways', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }) => {
    const { name, path } = await netns()
    await sh(
      `ipvsadm -A -f 7 -s rr
       ipvsadm -a -f 7 -r 10.0.0.1 -m -x 100 -y 50
       ipvsadm -a -f 7 -r 10.0.0.2 -i --tun-type gue --tun-port 6080 --tun-csum
       ipvsadm -a -f 7 -r 10.0.0.3 -i --tun-type gre`,
      { netns: name },
    )
    const ipvs = await Ipvs.open({ netns: path })
    const listed = await ipvs.listDestinations({ fwmark: 7 })
    await ipvs.addService({ fwmark: 8, scheduler: 'rr' })
    for (const destination of listed.toReversed()) await ipvs.addDestination({ fwmark: 8 }, destination)
    const copied = await ipvs.listDestinations({ fwmark: 8 })
    await ipvs.close()
    const tables = []
    for (const option of ['--thresholds', '--tun-info']) {
      tables.push(
        await sh(`ipvsadm -Ln ${option} -f 7`, { netns: name }),
        await sh(`ipvsadm -Ln ${option} -f 8`, { netns: name }),
      )
    }
    return { listed, copied, tables }
  })
  expect(seen.listed).toMatchObject([
    { address: '10.0.0.3', forwarding: 'tunnel', tunnel: { type: 'gre' } },
    { address: '10.0.0.2', forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080, checksum: 'local' } },
    { address: '10.0.0.1', forwarding: 'masquerade', upperThreshold: 100, lowerThreshold: 50 },
  ])
  expect(seen.copied).toEqual(seen.listed)
  const [thresholds7 = '', thresholds8 = '', tunnels7 = '', tunnels8 = ''] = seen.tables
  expect(thresholds8.replace('FWM  8', 'FWM  7')).toBe(thresholds7)
  expect(tunnels8.replace('FWM  8', 'FWM  7')).toBe(tunnels7)
})

test('updateDestination keeps absent fields', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }) => {
    const { name, path } = await netns()
    await sh('ipvsadm -A -f 7 -s rr; ipvsadm -a -f 7 -r 10.0.0.2 -i -w 5 -x 100 -y 50 --tun-type gue --tun-port 6080', {
      netns: name,
    })
    const ipvs = await Ipvs.open({ netns: path })
    const before = await ipvs.listDestinations({ fwmark: 7 })
    await ipvs.updateDestination({ fwmark: 7 }, { address: '10.0.0.2' }, { weight: 0 })
    const drained = await ipvs.listDestinations({ fwmark: 7 })
    await ipvs.updateDestination({ fwmark: 7 }, { address: '10.0.0.2' }, { forwarding: 'direct' })
    const direct = await ipvs.listDestinations({ fwmark: 7 })
    await ipvs.close()
    return { before, drained, direct }
  })
  expect(seen.before).toMatchObject([
    { weight: 5, upperThreshold: 100, lowerThreshold: 50, tunnel: { type: 'gue', port: 6080 } },
  ])
  expect(seen.drained).toEqual([{ ...seen.before[0], weight: 0 }])
  expect(seen.direct).toMatchObject([{ forwarding: 'direct', weight: 0, upperThreshold: 100, lowerThreshold: 50 }])
  expect(seen.direct[0]).not.toHaveProperty('tunnel')
})

test('null removes thresholds and tunnel options, and nothing else', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }) => {
    const { name, path } = await netns()
    await sh('ipvsadm -A -f 7 -s rr; ipvsadm -a -f 7 -r 10.0.0.2 -i -w 5 -x 100 -y 50 --tun-type gue --tun-port 6080', {
      netns: name,
    })
    const ipvs = await Ipvs.open({ netns: path })
    const [key, server] = [{ fwmark: 7 }, { address: '10.0.0.2' }]
    const before = (await ipvs.listDestinations(key))[0]
    await ipvs.updateDestination(key, server, { lowerThreshold: null })
    const lower = (await ipvs.listDestinations(key))[0]
    await ipvs.updateDestination(key, server, { lowerThreshold: 50, tunnel: null })
    const tunnel = (await ipvs.listDestinations(key))[0]
    await ipvs.updateDestination(key, server, { upperThreshold: null })
    const upper = (await ipvs.listDestinations(key))[0]
    await ipvs.close()
    return { before, lower, tunnel, upper, saved: await sh('ipvsadm -Sn', { netns: name }) }
  })
  expect(seen.lower).toEqual({ ...seen.before, lowerThreshold: 0 })
  expect(seen.tunnel).toEqual({ ...seen.before, tunnel: { type: 'ipip' } })
  expect(seen.upper).toEqual({ ...seen.tunnel, upperThreshold: 0, lowerThreshold: 0 })
  expect(seen.saved).toContain('-a -f 7 -r 10.0.0.2:0 -i -w 5')
  expect(seen.saved).not.toContain('gue')
})

test('hundreds of destinations are listed completely', async () => {
  const addresses = await lab.run(async ({ ipvs: { Ipvs }, netns }) => {
    const { path } = await netns()
    const ipvs = await Ipvs.open({ netns: path })
    await ipvs.addService({ fwmark: 7, scheduler: 'rr' })
    const adds = []
    for (let i = 0; i < 300; i++)
      adds.push(ipvs.addDestination({ fwmark: 7 }, { address: `10.0.${i >> 8}.${i & 255}` }))
    const settled = await Promise.allSettled(adds)
    const listed = await ipvs.listDestinations({ fwmark: 7 })
    await ipvs.close()
    return {
      listed: new Set(listed.map((each) => each.address)).size,
      rows: listed.length,
      failed: settled.filter((s) => s.status === 'rejected').length,
    }
  })
  expect(addresses).toEqual({ listed: 300, rows: 300, failed: 0 })
})
