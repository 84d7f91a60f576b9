// Timeouts, synchronisation daemons and counters on the real kernel, with ipvsadm as the oracle.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { SyncDaemon } from '../../lib/index.ts'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

/** The error of a call in a namespace prepared by `before`. */
const failing = async (call: readonly [method: string, ...args: unknown[]], before: string) =>
  lab.run(
    async ({ ipvs: { Ipvs, IpvsError }, netns, sh }, given) => {
      const { name, path } = await netns()
      await sh(given.before, { netns: name })
      const ipvs = await Ipvs.open({ netns: path })
      const [method, ...args] = given.call
      try {
        await (Reflect.get(ipvs, method) as (...all: unknown[]) => Promise<unknown>).apply(ipvs, args)
      } catch (error) {
        if (!(error instanceof IpvsError)) throw error
        const { code, errno, operation, target, attribute, outcome, message } = error
        return { code, errno, operation, target, attribute, outcome, message }
      } finally {
        await ipvs.close()
      }
      throw new Error('did not fail')
    },
    { call, before },
  )

test('timeouts: set by us and by ipvsadm, read by both, per namespace', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }) => {
    const [here, there] = [await netns(), await netns()]
    const ipvs = await Ipvs.open({ netns: here.path })
    const show = async (): Promise<string> => (await sh('ipvsadm -L --timeout', { netns: here.name })).trim()
    const first = await ipvs.getTimeouts()
    await ipvs.setTimeouts({ tcpSeconds: 100, tcpFinSeconds: 50, udpSeconds: 20 })
    const all = await show()
    await ipvs.setTimeouts({ tcpFinSeconds: 51 })
    const one = await show()
    await sh('ipvsadm --set 0 0 21', { netns: here.name })
    const theirs = await ipvs.getTimeouts()
    await ipvs.setTimeouts({ tcpSeconds: 2147483, tcpFinSeconds: 2147483, udpSeconds: 2147483 })
    const greatest = await ipvs.getTimeouts()
    const other = await Ipvs.open({ netns: there.path })
    const elsewhere = await other.getTimeouts()
    await Promise.all([ipvs.close(), other.close()])
    return { first, all, one, theirs, greatest, elsewhere }
  })
  expect(seen).toEqual({
    first: { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 },
    all: 'Timeout (tcp tcpfin udp): 100 50 20',
    one: 'Timeout (tcp tcpfin udp): 100 51 20',
    theirs: { tcpSeconds: 100, tcpFinSeconds: 51, udpSeconds: 21 },
    greatest: { tcpSeconds: 2147483, tcpFinSeconds: 2147483, udpSeconds: 2147483 },
    elsewhere: { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 },
  })
})

// An interface that can send.
const withInterface = `ip link add sync0 type dummy && ip link set sync0 up && ip addr add 10.9.0.1/24 dev sync0
  ip -6 addr add 2001:db8:9::1/64 dev sync0 nodad`

describe('synchronisation daemons', () => {
  // A daemon, and its line in ipvsadm's listing.
  const daemons: readonly [SyncDaemon, string][] = [
    [
      { role: 'master', interface: 'sync0' },
      'master sync daemon (mcast=sync0, syncid=0, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)',
    ],
    [
      { role: 'backup', interface: 'sync0', syncId: 255 },
      'backup sync daemon (mcast=sync0, syncid=255, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)',
    ],
    [
      {
        role: 'master',
        interface: 'sync0',
        syncId: 7,
        multicast: { group: '239.1.2.3', port: 9000, ttl: 9 },
        maxLength: 1200,
      },
      'master sync daemon (mcast=sync0, syncid=7, maxlen=1200, group=239.1.2.3, port=9000, ttl=9)',
    ],
    [
      {
        role: 'backup',
        interface: 'sync0',
        syncId: 7,
        multicast: { group: 'ff02::5', port: 65535, ttl: 255 },
        maxLength: 9000,
      },
      'backup sync daemon (mcast=sync0, syncid=7, maxlen=9000, group=ff02::5, port=65535, ttl=255)',
    ],
    [
      { role: 'master', interface: 'sync0', multicast: { group: 'ff05::5' } },
      'master sync daemon (mcast=sync0, syncid=0, maxlen=1452, group=ff05::5, port=8848, ttl=1)',
    ],
  ]

  test.each(daemons)('%j', async (daemon, line) => {
    const seen = await lab.run(
      async ({ ipvs: { Ipvs }, netns, sh }, given) => {
        const { name, path } = await netns()
        await sh(given.withInterface, { netns: name })
        const show = async (): Promise<string> => (await sh('ipvsadm -L --daemon', { netns: name })).trim()
        const ipvs = await Ipvs.open({ netns: path })
        await ipvs.startSyncDaemon(given.daemon)
        const started = await show()
        const listed = await ipvs.listSyncDaemons()
        await ipvs.stopSyncDaemon(given.daemon.role)
        const stopped = await show()
        for (const each of listed) await ipvs.startSyncDaemon(each)
        const again = await ipvs.listSyncDaemons()
        await ipvs.close()
        const left = await show() // the daemon outlives the handle
        await sh(`ipvsadm --stop-daemon ${given.daemon.role}`, { netns: name })
        const later = await Ipvs.open({ netns: path })
        const gone = await later.listSyncDaemons()
        await later.close()
        return { started, listed, stopped, again, left, gone }
      },
      { daemon, withInterface },
    )
    expect(seen).toMatchObject({ started: line, stopped: '', left: line, gone: [] })
    const { syncId = 0, multicast = {}, ...rest } = daemon
    expect(seen.listed).toMatchObject([{ syncId, ...rest, multicast }])
    expect(seen.again).toEqual(seen.listed)
  })

  test('one of each role, the master first; daemons started by ipvsadm are listed', async () => {
    const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }, before) => {
      const { name, path } = await netns()
      await sh(before, { netns: name })
      const ipvs = await Ipvs.open({ netns: path })
      const none = await ipvs.listSyncDaemons()
      await sh('ipvsadm --start-daemon backup --mcast-interface sync0 --syncid 3 --sync-maxlen 2000', { netns: name })
      await ipvs.startSyncDaemon({ role: 'master', interface: 'sync0', syncId: 4 })
      const both = await ipvs.listSyncDaemons()
      await ipvs.close()
      return { none, both }
    }, withInterface)
    const multicast = { group: '224.0.0.81', port: 8848, ttl: 1 }
    expect(seen).toEqual({
      none: [],
      both: [
        { role: 'master', interface: 'sync0', syncId: 4, multicast, maxLength: 1472 },
        { role: 'backup', interface: 'sync0', syncId: 3, multicast, maxLength: 2000 },
      ],
    })
  })

  const start = `${withInterface}; ipvsadm --start-daemon master --mcast-interface sync0`
  const mixed = 'ipvsadm -A -f 7 -s rr; ipvsadm -a -f 7 -r [2001:db8::7]:0 -i'
  const tunnel = { address: '2001:db8::7', forwarding: 'tunnel' }

  test.each([
    [
      'a second daemon of the same role',
      ['startSyncDaemon', { role: 'master', interface: 'sync0' }],
      start,
      ['ERR_IPVS_DAEMON_EXISTS', 17, 'stopSyncDaemon'],
    ],
    [
      'stopping a daemon that does not run',
      ['stopSyncDaemon', 'backup'],
      start,
      ['ERR_IPVS_DAEMON_NOT_RUNNING', 3, 'no synchronisation daemon'],
    ],
    [
      'a missing interface',
      ['startSyncDaemon', { role: 'backup', interface: 'nosuch0' }],
      start,
      ['ERR_IPVS_INTERFACE_NOT_FOUND', 19, 'backup on nosuch0'],
    ],
    [
      'an interface that is down',
      ['startSyncDaemon', { role: 'master', interface: 'down0' }],
      'ip link add down0 type dummy',
      ['ERR_IPVS_KERNEL', 101, 'is it up'],
    ],
    [
      'a daemon with a destination of the other address family',
      ['startSyncDaemon', { role: 'master', interface: 'sync0' }],
      `${withInterface}; ${mixed}`,
      ['ERR_IPVS_INVALID_ARGUMENT', 22, 'of the other address family'],
    ],
    [
      'a destination of the other address family with a daemon',
      ['addDestination', { fwmark: 7 }, tunnel],
      `${start}; ipvsadm -A -f 7 -s rr`,
      ['ERR_IPVS_INVALID_ARGUMENT', 22, 'while a synchronisation daemon runs'],
    ],
  ] as const)('%s: refused', async (_, call, before, [code, errno, text]) => {
    const error = await failing(call, before)
    expect(error).toMatchObject({ code, errno, operation: call[0], outcome: 'not-applied' })
    expect(error.message).toContain(text)
  })
})

describe('counters', () => {
  // Two services on a local address; their packets leave through a dummy interface.
  const director = `ip link add out0 type dummy && ip link set out0 up && ip addr add 10.2.0.1/24 dev out0
    ip neigh add 10.2.0.2 lladdr 02:00:00:00:00:02 dev out0 nud permanent
    ip addr add 172.16.0.100/32 dev lo
    for port in 53 54; do ipvsadm -A -u 172.16.0.100:$port -s rr; ipvsadm -a -u 172.16.0.100:$port -r 10.2.0.2 -g; done`

  test('move with traffic, and are zeroed for one service or for all', async () => {
    const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, run, sh, sleep }, before) => {
      const { name, path } = await netns()
      await sh(before, { netns: name })
      const dns = { protocol: 'udp', address: '172.16.0.100', port: 53 } as const
      const other = { ...dns, port: 54 }
      const send = 'for port in 53 54; do for i in 1 2 3 4 5; do echo hello >/dev/udp/172.16.0.100/$port; done; done'
      await run('bash', ['-c', send], { netns: name })
      const ipvs = await Ipvs.open({ netns: path })
      const counters = async (key: typeof dns | typeof other) => {
        const [service, [destination]] = [await ipvs.getService(key), await ipvs.listDestinations(key)]
        return [service, destination].map((each) => ({ ...each?.statistics, rates: {} }))
      }
      const connections = async (key: typeof dns | typeof other): Promise<bigint> =>
        (await ipvs.getService(key)).statistics.connections
      // The kernel updates counters every 2 seconds.
      for (let i = 0; i < 100 && ((await connections(dns)) < 5n || (await connections(other)) < 5n); i++)
        await sleep(100)
      const total = async (): Promise<string> => {
        const words = (await sh('sed -n 3p /proc/net/ip_vs_stats', { netns: name })).trim().split(/\s+/)
        return words.map((word) => parseInt(word, 16)).join(' ')
      }
      const [moved, movedTotal] = [await counters(dns), await total()]
      await ipvs.zeroCounters(dns)
      const [zeroed, left] = [await counters(dns), await counters(other)]
      await ipvs.zeroCounters()
      const [all, totals] = [await counters(other), await total()]
      const kept = (await ipvs.listDestinations(dns))[0]?.inactiveConnections
      await ipvs.close()
      return { moved, movedTotal, zeroed, left, all, totals, kept }
    }, director)
    // 5 packets of 34 bytes: IPv4 and UDP headers, and the line.
    const five = { connections: 5n, inPackets: 5n, outPackets: 0n, inBytes: 170n, outBytes: 0n, rates: {} }
    const none = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n, rates: {} }
    expect(seen).toEqual({
      moved: [five, five],
      movedTotal: '10 10 0 340 0',
      zeroed: [none, none],
      left: [five, five],
      all: [none, none],
      totals: '0 0 0 0 0',
      kept: 5,
    })
  })

  test('of a missing service', async () => {
    const error = await failing(['zeroCounters', { fwmark: 8 }], director)
    expect(error).toMatchObject({ code: 'ERR_IPVS_SERVICE_NOT_FOUND', errno: 3, target: 'FWM 8 ipv4' })
  })
})
