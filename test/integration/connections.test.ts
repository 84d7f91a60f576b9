// The connection table of real traffic, with `ipvsadm -Lnc` and the file itself as oracles.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Connection, ConnectionEndpoint } from '../../lib/index.ts'
import type { Lab } from '../lab/client.ts'
import {
  clientProgram,
  connectionMarks,
  connectionServices,
  connectionWires,
  sctpProgram,
  serverProgram,
} from './connection-traffic.ts'
import { connectKernel } from './kernel.ts'

interface Seen {
  readonly streamed: Connection[]
  readonly table: Connection[]
  readonly after: Connection[]
  readonly synced: Connection[]
  readonly filtered: Record<string, Connection[]>
  readonly states: { readonly state: string; readonly count: number }[]
  readonly servers: { readonly destination: ConnectionEndpoint; readonly count: number }[]
  readonly subnets: { readonly clientSubnet: string; readonly count: number }[]
  readonly marks: { readonly fwmark: number | undefined; readonly count: number }[]
  readonly ipvsadm: string
  readonly sctp: boolean
  readonly opened: number
  readonly later: { readonly closed: Connection[]; readonly opened: Connection[] }
  readonly statistics: { readonly connections: bigint; readonly inPackets: bigint; readonly cpus: number }
}

let lab: Lab
let seen: Seen
beforeAll(async () => {
  lab = await connectKernel()
  seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns, sh, start, sleep, run }, given) => {
      const [client, director, server] = [await netns(), await netns(), await netns()]
      await sh(given.wires, { env: { CLIENT: client.name, DIRECTOR: director.name, SERVER: server.name } })
      await sh('nft -f -', { netns: director, input: given.marks })
      await sh('ipvsadm -R', { netns: director, input: `${given.services.join('\n')}\n` })
      const node = (program: string, where: typeof client) =>
        start(process.execPath, ['--input-type=module', '-e', program], { netns: where })
      const sctp = (await run('modprobe', ['sctp'])).status === 0
      await node(given.serverProgram, server).waitFor('listening')
      if (sctp) {
        await start('python3', ['-c', given.sctpProgram, '10.1.0.2', '80', 'listen'], { netns: server }).waitFor(
          'listening',
        )
      }
      if (sctp) {
        const associations = ['80', '84'].map((port) =>
          start('python3', ['-c', given.sctpProgram, '192.168.1.11', port], { netns: client }),
        )
        await Promise.all(associations.map(async (one) => one.waitFor('sent')))
      }
      await node(given.clientProgram, client).waitFor('sent') // last: entries in state CLOSE expire after 10 s
      const ipvs = await Ipvs.open({ netns: director.path })
      const all = async (filter: Parameters<typeof ipvs.connections>[0]) => {
        const connections = []
        for await (const connection of ipvs.connections(filter)) connections.push(connection)
        return connections
      }
      const table = await ipvs.connectionTable()
      const streamed = await all({})
      const synced = await all({ origin: true })
      const ipvsadm = await sh('ipvsadm -Lnc', { netns: director })
      const after = await all({})
      const filtered: Record<string, Awaited<ReturnType<typeof all>>> = {}
      for (const [name, filter] of Object.entries(given.filters)) filtered[name] = await all(filter)
      const watch = ipvs.watchConnections({ intervalMs: 100, filter: { protocol: 'udp' } })
      const first = await watch.next()
      await run('bash', ['-c', 'echo > /dev/udp/192.168.1.11/53'], { netns: client })
      const second = await watch.next()
      await watch.return()
      await sleep(2500) // counters are copied every 2 s
      const { connections, inPackets, cpus } = await ipvs.statistics()
      const result = {
        streamed,
        table: await table.toArray(),
        after,
        synced,
        filtered,
        states: await table.countBy('state'),
        servers: await table.top(1, 'destination'),
        subnets: await table.countBy('clientSubnet'),
        marks: await table.countBy('fwmark'),
        ipvsadm,
        sctp,
        opened: first.value?.opened.length ?? -1,
        later: {
          closed: Array.from(second.value?.closed ?? [], (row) => JSON.parse(JSON.stringify(row))),
          opened: Array.from(second.value?.opened ?? [], (row) => JSON.parse(JSON.stringify(row))),
        },
        statistics: { connections, inPackets, cpus: cpus.length },
      }
      await ipvs.close()
      return result as never
    },
    {
      wires: connectionWires,
      marks: connectionMarks,
      services: connectionServices,
      serverProgram,
      clientProgram,
      sctpProgram,
      filters: {
        none: { client: '10.0.0.3' },
        client6: { client: 'fd00::/64', templates: false },
        virtual: { virtual: { address: '192.168.1.11', port: 80 }, protocol: 'tcp' },
        server: { destination: { address: '10.1.0.2', port: 80 }, state: 'ESTABLISHED' },
        only: { templates: 'only' },
        fwmark: { fwmark: 7 },
        limit: { limit: 3 },
        expires: { minExpiresSeconds: 400 },
      } as const,
    },
    { timeoutMs: 290_000 },
  )
}, 300_000)
afterAll(() => lab.close())

const end = ({ address, port }: ConnectionEndpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

/** In ipvsadm's format, without the remaining time. */
function line({ protocol, state, client, virtual, fwmark, destination }: Connection): string {
  const isSix = client.address.includes(':')
  const mark = isSix ? `[::${fwmark}]:0` : `0.0.0.${fwmark}:0`
  return [protocol.toUpperCase(), state, end(client), virtual ? end(virtual) : mark, end(destination)].join(' ')
}

const sorted = (connections: readonly Connection[]) => connections.map((one) => line(one)).toSorted()
const statesOf = (connections: readonly Connection[]) => [...new Set(connections.map(({ state }) => state))].toSorted()

// Excludes connections that may expire or change between two passes.
const stable = (connections: readonly Connection[]) =>
  sorted(connections.filter(({ protocol, state }) => protocol !== 'sctp' && state !== 'CLOSE'))

test('the table matches the listing of ipvsadm', () => {
  const lines = seen.ipvsadm.split('\n').slice(2).filter(Boolean)
  const theirs = lines
    .map((text) => text.trim().split(/\s+/))
    .map(([protocol, , ...rest]) => [protocol, ...rest].join(' '))
  // Reset connections expire after 10 s: compares with our reads before and after ipvsadm's.
  const [before, after] = [sorted(seen.table), sorted(seen.after)]
  // ipvsadm prints marks of IPv6 services as addresses, we do not.
  const plain = (text: string) => !/^IP \S+ \[/.test(text)
  expect([...before, ...after].filter(plain)).toEqual(expect.arrayContaining(theirs.filter(plain)))
  expect(theirs).toEqual(expect.arrayContaining(before.filter((text) => plain(text) && after.includes(text))))
})

test('streaming returns the same', () => {
  expect(stable(seen.streamed)).toEqual(stable(seen.table))
})

test('states of TCP, over both families', () => {
  const tcp = seen.table.filter(({ protocol, template }) => protocol === 'tcp' && !template)
  const four = tcp.filter(({ client }) => client.address === '10.0.0.2')
  const six = tcp.filter(({ client }) => client.address === 'fd00::2')
  expect(statesOf(four)).toEqual(['CLOSE', 'CLOSE_WAIT', 'ESTABLISHED', 'FIN_WAIT', 'SYN_RECV', 'TIME_WAIT'])
  expect(statesOf(six)).toEqual(['CLOSE', 'CLOSE_WAIT', 'ESTABLISHED', 'FIN_WAIT', 'TIME_WAIT'])
})

test('UDP', () => {
  expect(
    sorted(seen.table.filter(({ protocol }) => protocol === 'udp')).map((text) => text.replace(/:\d+ /, ':? ')),
  ).toEqual(['UDP UDP 10.0.0.2:? 192.168.1.11:53 10.1.0.2:53', 'UDP UDP [fd00::2]:? [2001:db8::11]:53 [fd01::2]:53'])
})

test('SCTP, if the kernel has SCTP sockets', ({ skip }) => {
  if (!seen.sctp) skip('this kernel has no sctp module')
  const states = statesOf(seen.table.filter(({ protocol }) => protocol === 'sctp'))
  expect(states).toContain('ESTABLISHED')
  // No reply on port 84: INIT1 lasts 3 s, INIT follows with the second attempt, and on a slow machine it may be neither.
  expect(states.filter((state) => state !== 'ESTABLISHED' && !state.startsWith('INIT'))).toEqual([])
})

describe('persistence templates', () => {
  const templates = () => seen.table.filter(({ template }) => template)

  test('per port, with a masked client; per client; per mark', () => {
    const described = templates().map(({ protocol, client, virtual, fwmark }) => ({
      protocol,
      client: client.address,
      virtual,
      fwmark,
    }))
    expect(described).toContainEqual({
      protocol: 'tcp',
      client: '10.0.0.0',
      virtual: { address: '192.168.1.11', port: 90 },
    })
    expect(described).toContainEqual({
      protocol: 'tcp',
      client: 'fd00::2',
      virtual: { address: '2001:db8::11', port: 90 },
    })
    expect(described).toContainEqual({
      protocol: 'tcp',
      client: '10.0.0.2',
      virtual: { address: '192.168.1.11', port: 0 },
    })
    expect(described).toContainEqual({ protocol: 'ip', client: '10.0.0.2', fwmark: 7 })
    expect(described).toContainEqual({ protocol: 'ip', client: 'fd00::2', fwmark: 9 })
    expect(described).toHaveLength(5)
    expect(templates().every(({ client }) => client.port === 0)).toBe(true)
  })

  test('filter: templates only', () => {
    expect(sorted(seen.filtered['only'] ?? [])).toEqual(sorted(templates()))
    expect(seen.filtered['fwmark']).toMatchObject([
      { fwmark: 7, template: true, destination: { address: '10.1.0.2', port: 0 } },
    ])
  })
})

test('filters', () => {
  const expected = (keep: (connection: Connection) => boolean) => sorted(seen.table.filter(keep))
  const found = (name: string) => sorted(seen.filtered[name] ?? [])
  expect(found('none')).toEqual([])
  expect(found('client6')).toEqual(expected(({ client, template }) => client.address.startsWith('fd00') && !template))
  expect(found('virtual')).toEqual(
    expected(
      ({ virtual, protocol }) => protocol === 'tcp' && virtual?.address === '192.168.1.11' && virtual.port === 80,
    ),
  )
  expect(found('server')).toEqual(
    expected(({ destination, state }) => end(destination) === '10.1.0.2:80' && state === 'ESTABLISHED'),
  )
  expect(found('limit')).toHaveLength(3)
  expect(found('expires').length).toBeGreaterThan(0)
  expect(seen.filtered['expires']?.every(({ expiresSeconds }) => expiresSeconds >= 400)).toBe(true)
})

test('groups', () => {
  const counts = Object.fromEntries(seen.states.map(({ state, count }) => [state, count]))
  for (const state of statesOf(seen.table)) {
    expect(counts[state]).toBe(seen.table.filter((connection) => connection.state === state).length)
  }
  const most = seen.table.filter(({ destination }) => end(destination) === '10.1.0.2:80').length
  expect(seen.servers).toEqual([{ destination: expect.anything(), count: expect.any(Number) }])
  expect(seen.servers[0]?.count).toBeGreaterThanOrEqual(most)
  expect(seen.subnets.map(({ clientSubnet }) => clientSubnet).toSorted()).toEqual(['10.0.0.0/24', 'fd00::/64'])
  expect(seen.marks.map(({ fwmark }) => fwmark)).toEqual(expect.arrayContaining([undefined, 7, 9]))
})

test('the origin of connections', () => {
  expect(stable(seen.synced)).toEqual(stable(seen.streamed))
  expect(seen.synced.every(({ origin }) => origin === 'local')).toBe(true)
  expect(seen.streamed.every((connection) => !('origin' in connection))).toBe(true)
})

test('watching: first all connections, then new ones', () => {
  expect(seen.opened).toBe(2)
  expect(seen.later.opened.length).toBeGreaterThan(0)
  expect(seen.later.opened.every(({ protocol, virtual }) => protocol === 'udp' && virtual?.port === 53)).toBe(true)
  expect(seen.later.closed).toEqual([])
})

test('statistics', () => {
  expect(seen.statistics.connections).toBeGreaterThanOrEqual(15n)
  expect(seen.statistics.inPackets).toBeGreaterThan(seen.statistics.connections)
  expect(seen.statistics.cpus).toBeGreaterThan(0)
})
