import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type { AnyReply } from '../support/any-reply.ts'
import { BLOCK_ROWS } from '../../../lib/connections/table.ts'
import { Ipvs } from '../../../lib/ipvs.ts'
import {
  FakeConnectionReader,
  answers,
  connectionRows,
  engineBytes,
  type FakeRow,
} from '../support/fake-connections.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

let ipvs: Ipvs
beforeEach(async () => {
  ipvs = await Ipvs.open({ netns: '/run/netns/blue' })
  FakeConnectionReader.all.length = 0
  Object.assign(answers, { pulls: [], group: {}, compare: {}, statistics: {}, seen: undefined })
})
afterEach(() => ipvs.close())

const rowsOf = (from: number, count: number): FakeRow[] =>
  Array.from({ length: count }, (_, index) => ({ protocol: 6, clientPort: from + index, state: 1, expires: 9 }))
const bytes = (text: string): ArrayBuffer => new Uint8Array(Buffer.from(text)).buffer
const words = (...numbers: number[]): ArrayBuffer => Uint32Array.from(numbers).buffer
const failed = (kind: string, more: object = {}): AnyReply =>
  ({ failures: [{ index: 0, kind, errno: 0, unknown: false, ...more }] }) as AnyReply
const onlyReader = () => {
  expect(FakeConnectionReader.all).toHaveLength(1)
  return FakeConnectionReader.all[0] as FakeConnectionReader
}
async function ports(filter = {}): Promise<number[]> {
  const found: number[] = []
  for await (const { client } of ipvs.connections(filter)) found.push(client.port)
  return found
}

describe('connections', () => {
  test('reads until the end, in the namespace of the handle, and closes', async () => {
    answers.pulls = [{ fill: rowsOf(1, 2), done: false }, { done: false }, { fill: rowsOf(3, 1) }]
    expect(await ports({ protocol: 'tcp' })).toEqual([1, 2, 3])
    expect(onlyReader()).toMatchObject({
      session: { netns: { path: '/run/netns/blue' } },
      options: { protocols: [6] },
      closed: 1,
    })
  })

  test('reads on demand only; leaving the loop closes', async () => {
    answers.pulls = [{ fill: rowsOf(1, 3), done: false }, { fill: rowsOf(4, 3) }]
    for await (const { client } of ipvs.connections()) if (client.port === 2) break
    expect(answers.pulls).toHaveLength(1)
    expect(onlyReader().closed).toBe(1)
  })

  test('yields plain objects', async () => {
    answers.pulls = [{ fill: rowsOf(1, 1), engines: engineBytes([[0, 'sip a']]) }]
    const found = []
    for await (const connection of ipvs.connections()) found.push(connection)
    expect(found).toMatchObject([{ persistenceEngine: { name: 'sip', data: 'a' }, expiresSeconds: 9 }])
    expect(Object.getPrototypeOf(found[0])).toBe(Object.prototype)
  })

  test('refuses a filter before anything is opened', async () => {
    await expect(ports({ status: 'NONE' })).rejects.toMatchObject({
      code: 'ERR_IPVS_INVALID_ARGUMENT',
      attribute: 'filter.status',
      operation: 'connections',
    })
    expect(FakeConnectionReader.all).toHaveLength(0)
  })

  test.each<[string, AnyReply, object]>([
    [
      'a line of unknown format',
      failed('malformed', { message: 'line 7: "TCP"' }),
      { code: 'ERR_IPVS_KERNEL', kernelMessage: 'line 7: "TCP"', message: expect.stringContaining('line 7: "TCP"') },
    ],
    ['no such file', failed('local', { errno: 2 }), { code: 'ERR_IPVS_UNAVAILABLE', errno: 2 }],
    ['a file that cannot be read', failed('local', { errno: 13 }), { code: 'ERR_IPVS_KERNEL', errno: 13 }],
    [
      'no such namespace',
      failed('local', { errno: 2, attribute: 'netns' }),
      { code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'options.netns' },
    ],
  ])('%s', async (_, reply, error) => {
    answers.pulls = [reply]
    await expect(ports()).rejects.toMatchObject({ outcome: 'not-applied', operation: 'connections', ...error })
    expect(onlyReader().closed).toBe(1)
  })

  test('a signal that fired before', async () => {
    const reason = new Error('enough')
    await expect(ports({ signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: 'ERR_IPVS_ABORTED',
      cause: reason,
    })
  })

  test('a signal that fires while the kernel is read', async () => {
    const controller = new AbortController()
    answers.pulls = [failed('aborted')]
    answers.seen = () => queueMicrotask(() => controller.abort('enough'))
    await expect(ports({ signal: controller.signal })).rejects.toMatchObject({
      code: 'ERR_IPVS_ABORTED',
      cause: 'enough',
    })
    expect(onlyReader().aborted).toEqual([1])
  })

  test('a signal that fires in the loop', async () => {
    const controller = new AbortController()
    answers.pulls = [{ fill: rowsOf(1, 3) }]
    const seen: number[] = []
    const loop = async () => {
      for await (const { client } of ipvs.connections({ signal: controller.signal })) {
        seen.push(client.port)
        controller.abort()
      }
    }
    await expect(loop()).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED' })
    expect(seen).toEqual([1])
  })

  test('closing the handle ends loops', async () => {
    answers.pulls = [{ fill: rowsOf(1, 3), done: false }]
    const loop = ipvs.connections()
    await loop.next()
    await ipvs.close()
    expect(onlyReader().closed).toBe(1)
    await expect(loop.next()).rejects.toMatchObject({ code: 'ERR_IPVS_CLOSED' })
    await expect(ipvs.connectionTable()).rejects.toMatchObject({ code: 'ERR_IPVS_CLOSED' })
  })
})

describe('connectionTable', () => {
  const BLOCK = BLOCK_ROWS

  test('a row is found in its block', async () => {
    answers.pulls = [
      {
        fill: rowsOf(0, BLOCK),
        done: false,
        engines: engineBytes([
          [0, 'sip a'],
          [100, 'sip b'],
        ]),
      },
      { fill: rowsOf(BLOCK, 3) },
    ]
    const table = await ipvs.connectionTable()
    expect(table.length).toBe(BLOCK + 3)
    expect([0, 100, BLOCK - 1, BLOCK, BLOCK + 2, -1].map((index) => table.at(index)?.client.port)).toEqual([
      0,
      100,
      BLOCK - 1,
      BLOCK,
      BLOCK + 2,
      BLOCK + 2,
    ])
    expect([table.at(BLOCK + 3), table.at(-BLOCK - 4)]).toEqual([undefined, undefined])
    expect([table.at(0), table.at(100)].map((row) => row?.persistenceEngine?.data)).toEqual(['a', 'b'])
    expect(Array.from(table, ({ client }) => client.port)).toEqual(
      Array.from({ length: BLOCK + 3 }, (_, index) => index),
    )
    expect(onlyReader().closed).toBe(1)
  })

  test('columns and arrays', async () => {
    answers.pulls = [{ fill: [...rowsOf(1, 1), { kind: 2, virtualAddress: [0, 0, 0, 7] }] }]
    const table = await ipvs.connectionTable()
    expect(await table.column('clientPort')).toEqual([1, 0])
    expect(await table.column('virtual')).toEqual(['0.0.0.0', undefined])
    expect(await table.column('fwmark')).toEqual([undefined, 7])
    expect(await table.column('protocol')).toEqual(['tcp', 'ip'])
    expect((await table.toArray())[1]).toMatchObject({ fwmark: 7, template: true })
    await expect(table.column('ports' as never)).rejects.toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT' })
  })

  test('counts on a thread of its own', async () => {
    answers.pulls = [{ fill: rowsOf(1, 3) }]
    const table = await ipvs.connectionTable()
    const group = { destination: [10, 0, 0, 7], destinationPort: 80, state: 1 }
    answers.group = { rows: connectionRows([group, { ...group, state: 2 }]), counts: words(2, 1) }
    const asked: unknown[] = []
    answers.seen = (_method, _reader, _call, blocks, ...rest) =>
      asked.push((blocks as { length: number }[])[0]?.length, ...rest)
    expect(await table.countBy('destination', 'state')).toEqual([
      { destination: { address: '10.0.0.7', port: 80 }, state: 'ESTABLISHED', count: 2 },
      { destination: { address: '10.0.0.7', port: 80 }, state: 'SYN_SENT', count: 1 },
    ])
    answers.group = { rows: connectionRows([{ client: [10, 0, 5, 0] }]), counts: words(3) }
    expect(await table.top(1, 'clientSubnet')).toEqual([{ clientSubnet: '10.0.5.0/24', count: 3 }])
    expect(asked).toEqual([3, 48, 0xffffffff, 3, 2, 1])
    expect(FakeConnectionReader.all.map(({ closed }) => closed)).toEqual([1, 1, 1])
  })

  test.each<[string, unknown[]]>([
    ['fields', []],
    ['fields[1]', ['state', 'port']],
    ['fields', ['client', 'clientSubnet']],
  ])('countBy refuses %s (%#)', async (attribute, fields) => {
    const table = await ipvs.connectionTable()
    await expect(table.countBy(...(fields as never[]))).rejects.toMatchObject({
      code: 'ERR_IPVS_INVALID_ARGUMENT',
      attribute,
      operation: 'countBy',
    })
    await expect(table.top(0, 'state')).rejects.toMatchObject({ attribute: 'n' })
  })
})

describe('watchConnections', () => {
  test('compares each pass with the last', async () => {
    const tables: unknown[][] = []
    answers.seen = (method, _reader, _call, ...given) => method === 'compare' && tables.push(given)
    answers.compare = { opened: words(0, 1), changed: words(), closed: words() }
    answers.pulls = [{ fill: rowsOf(1, 2), done: true }]
    const watch = ipvs.watchConnections({ intervalMs: 10, filter: { state: 'ESTABLISHED' } })
    const first = (await watch.next()).value
    expect(Array.from(first?.opened ?? [], ({ client }) => client.port)).toEqual([1, 2])
    answers.pulls = [{ fill: [{ clientPort: 2, state: 5 }, { clientPort: 3 }], done: true }]
    answers.compare = { opened: words(1), changed: words(1, 0), closed: words(0) }
    const second = (await watch.next()).value
    expect(second?.opened.at(0)?.client.port).toBe(3)
    expect(second?.closed.at(-1)?.client.port).toBe(1)
    expect(second?.changed.length).toBe(1)
    const [change] = second?.changed ?? []
    expect(change).toMatchObject({ previousState: 'ESTABLISHED', connection: { state: 'TIME_WAIT' } })
    expect(second?.table.length).toBe(2)
    await watch.return()
    expect(tables.map(([earlier, later]) => [earlier, later].map((blocks) => (blocks as unknown[]).length))).toEqual([
      [0, 1],
      [1, 1],
    ])
    expect(FakeConnectionReader.all.map(({ closed, options }) => [closed, options.states])).toEqual([
      [1, [1]],
      [1, [1]],
    ])
  })

  test('a signal ends it between two passes', async () => {
    const controller = new AbortController()
    const watch = ipvs.watchConnections({ intervalMs: 0x7fffffff, signal: controller.signal })
    await watch.next()
    const next = watch.next()
    setImmediate(() => controller.abort('enough'))
    await expect(next).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', cause: 'enough' })
  })

  test.each<[string, unknown]>([
    ['options', undefined],
    ['options.intervalMs', {}],
    ['options.intervalMs', { intervalMs: 5 }],
    ['options.filter.state', { intervalMs: 100, filter: { state: 'x' } }],
    ['options.interval', { interval: 100 }],
  ])('refuses %s (%#)', async (attribute, options) => {
    await expect(ipvs.watchConnections(options as never).next()).rejects.toMatchObject({
      code: 'ERR_IPVS_INVALID_ARGUMENT',
      attribute,
    })
  })
})

describe('statistics', () => {
  test('of the namespace and its processors', async () => {
    const head = 'Total Incoming\nConns Packets Packets Bytes Bytes\n'
    answers.statistics = {
      totals: bytes(`${head} 1 2 3 4 5\n\nConns/s Pkts/s\n 1 2 3 4 A\n`),
      perCpu: bytes(`Total\nCPU Conns Packets Packets Bytes Bytes\n 0 1 2 3 4 5\n ~ 1 2 3 4 5\n`),
    }
    const found = await ipvs.statistics()
    expect(found).toMatchObject({ connections: 1n, outBytes: 5n, rates: { outBytes: 10 } })
    expect(found.cpus).toEqual([{ cpu: 0, connections: 1n, inPackets: 2n, outPackets: 3n, inBytes: 4n, outBytes: 5n }])
    expect(onlyReader().closed).toBe(1)
  })

  test('an unknown format is an error', async () => {
    await expect(ipvs.statistics()).rejects.toMatchObject({ code: 'ERR_IPVS_KERNEL', operation: 'statistics' })
    answers.statistics = failed('local', { errno: 2 })
    await expect(ipvs.statistics()).rejects.toMatchObject({ code: 'ERR_IPVS_UNAVAILABLE' })
    await expect(ipvs.statistics({ signal: 7 } as never)).rejects.toMatchObject({ attribute: 'options.signal' })
  })
})
