// A boot with the files of `ipvs install-units`: their lines run in a new network namespace, in the order that systemd derives from
// After= and Before=.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

test('a boot brings marks back before the network, and services after it', async () => {
  const seen = await lab.run(
    async ({ netns, sh, root, import: load }) => {
      const { readFile } = await load<typeof import('node:fs/promises')>('node:fs/promises')
      const folder = (await sh('mktemp -d')).trim()
      const ipvs = `${process.execPath} ${root}/dist/cli.cjs`
      const table = `${folder}/table.json`
      const front = 'ip link add front type dummy && ip link set front up'

      const before = await netns()
      const wanted = {
        marks: [{ mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] }],
        nat: [{ action: 'masquerade', source: '10.0.0.0/24', protocol: 'tcp', sourcePorts: 20 }],
        services: [{ service: { fwmark: 7, scheduler: 'rr' }, destinations: [{ address: '10.0.0.7' }] }],
        daemons: [{ role: 'master', interface: 'front' }],
      }
      const commands = [
        front,
        `${ipvs} apply -`,
        `${ipvs} save ${table}`,
        `${ipvs} install-units --nat --root ${folder} --state ${table}`,
      ]
      await sh(commands.join(' && '), { netns: before, input: JSON.stringify(wanted) })

      const booted = await netns()
      const etc = async (name: string) => readFile(`${folder}/etc/${name}`, 'utf8')
      const valuesOf = (unit: string, key: string) =>
        [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].flatMap(([, value = '']) => value.split(' '))

      const jobs = new Map<string, () => Promise<unknown>>()
      const edges: [string, string][] = [
        ['nftables.service', 'network-pre.target'],
        ['network-pre.target', 'network.target'],
        ['systemd-modules-load.service', 'systemd-sysctl.service'],
      ]
      let early = { rules: '', services: '' }
      jobs.set('systemd-modules-load.service', async () => {
        const modules = (await etc('modules-load.d/ipvs.conf')).split('\n').filter((line) => /^\w/.test(line))
        for (const module of modules) await sh(`modprobe ${module}`)
      })
      jobs.set('systemd-sysctl.service', async () =>
        sh(`sysctl -p ${folder}/etc/sysctl.d/50-ipvs.conf`, { netns: booted }),
      )
      jobs.set('nftables.service', async () => sh('nft flush ruleset', { netns: booted }))
      jobs.set('network-pre.target', async () => {
        const rules = await sh('nft list table inet ipvs', { netns: booted })
        early = { rules, services: await sh('ipvsadm -Sn', { netns: booted }) }
      })
      jobs.set('network.target', async () => sh(front, { netns: booted }))
      for (const name of ['ipvs-services.service', 'ipvs-marks.service']) {
        const unit = await etc(`systemd/system/${name}`)
        const [condition = ''] = valuesOf(unit, 'ConditionPathExists')
        const line = valuesOf(unit, 'ExecStart').join(' ')
        jobs.set(name, async () => sh(`test -e ${condition} && ${line}`, { netns: booted }))
        for (const other of valuesOf(unit, 'After')) edges.push([other, name])
        for (const other of valuesOf(unit, 'Before')) edges.push([name, other])
      }

      const order: string[] = []
      while (order.length < jobs.size) {
        const isReady = (name: string) =>
          !order.includes(name) &&
          edges.every(([first, then]) => then !== name || order.includes(first) || !jobs.has(first))
        const name = [...jobs.keys()].find(isReady)
        if (name === undefined) throw new Error(`a circle after ${order.join(', ')}`)
        await jobs.get(name)?.()
        order.push(name)
      }
      const forward = (await sh('cat /proc/sys/net/ipv4/ip_forward', { netns: booted })).trim()
      const late = JSON.parse(await sh(`${ipvs} save`, { netns: booted })) as Record<string, unknown[]>
      return { order, early, late, saved: JSON.parse(await readFile(table, 'utf8')) as unknown, forward }
    },
    undefined,
    { timeoutMs: 110_000 },
  )
  expect(seen.order.indexOf('ipvs-marks.service')).toBeLessThan(seen.order.indexOf('network-pre.target'))
  expect(seen.early.rules).toMatch(/172\.16\.0\.100 \. tcp \. 80 : 0x0*7/)
  expect(seen.early.rules).toContain('masquerade')
  expect(seen.early.services).toBe('')
  expect(seen.late).toEqual(seen.saved)
  expect(seen.late['services']).toHaveLength(1)
  expect(seen.late['daemons']).toHaveLength(1)
  expect(seen.forward).toBe('1')
})
