import { createSocket } from 'node:dgram'
import dnsPacket, { type Packet } from 'dns-packet'
import { describe, expect, onTestFinished, test } from 'vitest'
import { probeAny } from '../../../src/health/probes/all.ts'
import type { ProbeResult } from '../../../src/health/probes/probe.ts'
import type { Check } from '../../../src/site/site.ts'
import { common, limits, local, never } from '../support/checks.ts'
import { refusedPort, tcpServer } from '../support/servers.ts'

const short = { ...limits, firstByte: 80 }

async function probe(check: object): Promise<ProbeResult> {
  return await probeAny({ ...common, ...check } as Check, local, undefined, never)
}

/** A UDP server on loopback. */
async function udpServer(answer: (message: Buffer) => Buffer | string | undefined): Promise<number> {
  const socket = createSocket('udp4')
  socket.on('message', (message, { port, address }) => {
    const reply = answer(message)
    if (reply !== undefined) socket.send(reply, port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => void socket.close())
  return socket.address().port
}

describe('udp', () => {
  const udp = { kind: 'udp', send: 'ping\\n', expect: undefined }

  test('an answer must match', async () => {
    const port = await udpServer((message) => `pong ${message.toString()}`)
    expect(await probe({ ...udp, port, expect: '^pong ping\\n$' })).toMatchObject({
      verdict: 'success',
      words: 'answered as expected',
    })
    expect(await probe({ ...udp, port })).toMatchObject({ verdict: 'success', words: 'answered' })
    expect(await probe({ ...udp, port, expect: 'no' })).toMatchObject({ verdict: 'failure', answered: true })
  })

  test('silence succeeds unless an answer is expected', async () => {
    const port = await udpServer(() => undefined)
    expect(await probe({ ...udp, port, limits: short })).toMatchObject({
      verdict: 'success',
      words: 'not refused, no answer',
    })
    expect(await probe({ ...udp, port, expect: 'x', limits: short })).toMatchObject({
      verdict: 'failure',
      words: 'no answer within 80 ms (firstByte)',
      answered: false,
    })
    const tight = { ...limits, firstByte: 5000, total: 100 }
    expect(await probe({ ...udp, port, limits: tight })).toMatchObject({ verdict: 'success' })
  })

  test('a refused port fails, with and without an expected answer', async () => {
    const port = await refusedPort()
    expect(await probe({ ...udp, port })).toMatchObject({
      verdict: 'failure',
      words: 'connection refused (ECONNREFUSED)',
    })
    expect(await probe({ ...udp, port, expect: 'x' })).toMatchObject({ verdict: 'failure', answered: true })
  })

  test('a local address that is not here gives no verdict', async () => {
    const from = { address: '192.0.2.1', device: undefined }
    expect(await probe({ ...udp, port: 9, from })).toMatchObject({ verdict: 'void' })
  })
})

describe('dns', () => {
  const soa = {
    mname: 'ns1.example.com',
    rname: 'root.example.com',
    serial: 7,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum: 1,
  }
  const records: Packet['answers'] = [
    { type: 'A', name: 'example.com', data: '192.0.2.80' },
    { type: 'SOA', name: 'example.com', data: soa },
    { type: 'TXT', name: 'example.com', data: ['one ', 'two'] },
    { type: 'MX', name: 'example.com', data: { preference: 10, exchange: 'mx.example.com' } },
    { type: 'CNAME', name: 'www.example.com', data: 'Example.com' },
  ]
  const answerTo = (message: Buffer, flags = 0): Buffer => {
    const { id = 0, questions = [] } = dnsPacket.decode(message)
    const answers = records.filter(({ name, type }) => name === questions[0]?.name && type === questions[0]?.type)
    return dnsPacket.encode({ type: 'response', id, flags, questions, answers })
  }
  const dns = { kind: 'dns', query: 'example.com', type: 'A', expect: undefined }

  test.each([
    ['A', '192.0.2.80'],
    ['SOA', 'ns1.example.com'],
    ['TXT', 'one two'],
    ['MX', 'MX.example.com.'],
    ['MX', '10 mx.example.com'],
  ])('%s with %s', async (type, expected) => {
    const port = await udpServer((message) => answerTo(message))
    expect(await probe({ ...dns, port, type })).toMatchObject({ verdict: 'success', words: 'answered' })
    expect(await probe({ ...dns, port, type, expect: expected })).toMatchObject({ verdict: 'success' })
    expect(await probe({ ...dns, port, type, expect: 'other' })).toMatchObject({
      verdict: 'failure',
      words: 'no answer is other',
      answered: true,
    })
  })

  test('codes of the server, and names without such a record, fail', async () => {
    const refusing = await udpServer((message) => answerTo(message, 5))
    expect(await probe({ ...dns, port: refusing })).toMatchObject({ verdict: 'failure', words: 'REFUSED' })
    const port = await udpServer((message) => answerTo(message))
    expect(await probe({ ...dns, port, type: 'AAAA' })).toMatchObject({
      verdict: 'failure',
      words: 'no record of type AAAA',
    })
  })

  test('answers to other queries do not count, malformed ones fail', async () => {
    const stray = await udpServer((message) => {
      const other = answerTo(message)
      other.writeUInt16BE((other.readUInt16BE(0) + 1) % 65_536, 0)
      return other
    })
    expect(await probe({ ...dns, port: stray, limits: short })).toMatchObject({
      verdict: 'failure',
      words: 'no answer within 80 ms (firstByte)',
    })
    const cut = await udpServer((message) => answerTo(message).subarray(0, 20))
    expect(await probe({ ...dns, port: cut })).toMatchObject({ verdict: 'failure', words: 'the answer is malformed' })
  })

  test('an answer that was cut is asked for again over TCP', async () => {
    const port = await tcpServer((socket) => {
      socket.once('data', (data) => {
        const answer = answerTo(data.subarray(2))
        socket.write(Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 255]), answer]))
      })
    })
    const socket = createSocket('udp4')
    socket.on('message', (message, from) =>
      socket.send(answerTo(message, dnsPacket.TRUNCATED_RESPONSE), from.port, from.address),
    )
    await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve))
    onTestFinished(() => void socket.close())
    const result = await probe({ ...dns, port, expect: '192.0.2.80' })
    expect(result).toMatchObject({ verdict: 'success' })
    expect(result.transcript).toContain('* the answer was cut: again over TCP')
  })

  test('a server that is not there, and a type that does not exist', async () => {
    expect(await probe({ ...dns, port: await refusedPort() })).toMatchObject({ verdict: 'failure', answered: true })
    expect(await probe({ ...dns, port: 53, type: 'NONSENSE' })).toMatchObject({ verdict: 'void' })
  })
})
