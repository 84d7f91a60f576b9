// The classic example: mark 7 for ports 80 and 443, round robin over two real servers, then persistence.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

const heading = `IP Virtual Server version 1.2.1 (size=SIZE)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
`
const sized = (listing: string): string => listing.replace(/\(size=\d+\)/, '(size=SIZE)')

test('the mark-7 example in ipvsadm and nft', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs, FirewallMarks }, netns, sh }) => {
    const { name, path } = await netns()
    const ipvs = await Ipvs.open({ netns: path })
    const marks = await FirewallMarks.open({ netns: path })
    await marks.add({ mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] })
    await ipvs.addService({ fwmark: 7, scheduler: 'rr' })
    await ipvs.addDestination({ fwmark: 7 }, { address: '10.0.0.7', forwarding: 'direct', weight: 1 })
    await ipvs.addDestination({ fwmark: 7 }, { address: '10.0.0.17', forwarding: 'direct', weight: 1 })
    const before = await sh('ipvsadm -Ln', { netns: name })
    await ipvs.updateService({ fwmark: 7 }, { persistence: { timeoutSeconds: 3600 } })
    const after = await sh('ipvsadm -Ln', { netns: name })
    const rules = await sh('nft list ruleset', { netns: name })
    await ipvs.close()
    await marks.close()
    return { before, after, rules }
  })
  const servers = `  -> 10.0.0.7:0                   Route   1      0          0         
  -> 10.0.0.17:0                  Route   1      0          0         
`
  expect(sized(seen.before)).toBe(`${heading}FWM  7 rr\n${servers}`)
  expect(sized(seen.after)).toBe(`${heading}FWM  7 rr persistent 3600\n${servers}`)
  expect(seen.rules.match(/dport map @/g)).toHaveLength(1)
})

test('the FTP example: mark 21, ports 21 and 10000 to 20000, persistent 540', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs, FirewallMarks }, netns, sh }) => {
    const { name, path } = await netns()
    const ipvs = await Ipvs.open({ netns: path })
    const marks = await FirewallMarks.open({ netns: path })
    const rule = { mark: 21, address: '192.168.1.11', protocol: 'tcp', ports: [21, '10000-20000'] } as const
    await marks.add(rule)
    await ipvs.addService({ fwmark: 21, scheduler: 'wlc', persistence: { timeoutSeconds: 540 } })
    const listing = await sh('ipvsadm -Ln', { netns: name })
    const listed = await marks.list()
    await ipvs.close()
    await marks.close()
    return { listing, listed }
  })
  expect(sized(seen.listing)).toBe(`${heading}FWM  21 wlc persistent 540\n`)
  expect(seen.listed).toMatchObject([
    { mark: 21, address: '192.168.1.11', protocol: 'tcp', ports: [21, '10000-20000'] },
  ])
})
