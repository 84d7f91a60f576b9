import { type Server, createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { expect, test } from 'vitest'
import type { CheckOf, ProbeResult, Sockets } from '../../../src/health/probes/probe.ts'
import { probeTcp, unescaped } from '../../../src/health/probes/tcp.ts'
import { anyTls, common, limits, local, never } from '../support/checks.ts'
import { listen, refusedPort, selfSigned, tcpServer } from '../support/servers.ts'

type TcpCheck = CheckOf<'tcp'>
const base: Omit<TcpCheck, 'port'> = { ...common, kind: 'tcp', send: undefined, expect: undefined, tls: undefined }

async function probe(port: number, settings: Partial<TcpCheck> = {}): Promise<ProbeResult> {
  return await probeTcp({ ...base, port, ...settings }, local, undefined, never)
}

test('a port that accepts succeeds, and the connection is closed', async () => {
  const server = createServer()
  const closed = new Promise((resolve) => {
    server.on('connection', (socket) => socket.on('close', resolve).resume())
  })
  const port = await listen(server)
  const result = await probe(port)
  expect(result).toMatchObject({ verdict: 'success', words: 'connected', certificateEnds: undefined })
  expect(Object.keys(result.phases)).toEqual(['connect'])
  expect(result.transcript).toEqual([`* connected to 127.0.0.1:${String(port)}`, '* success: connected'])
  await closed
})

test('a connection that came while this thread was late counts', async () => {
  const port = await tcpServer((socket) => void socket.resume())
  const found = probe(port, { limits: { ...limits, connect: 30 } })
  const end = performance.now() + 150
  while (performance.now() < end);
  expect(await found).toMatchObject({ verdict: 'success', words: 'connected' })
})

test('a refused connection is an answer', async () => {
  const result = await probe(await refusedPort())
  expect(result).toMatchObject({ verdict: 'failure', words: 'connection refused (ECONNREFUSED)', answered: true })
})

test('an answer must match `expect`, in as many pieces as it comes', async () => {
  const port = await tcpServer((socket) => {
    socket.once('data', (data) => {
      socket.write('+PO')
      setTimeout(() => socket.write(`NG ${data.toString()}`), 20)
    })
  })
  const result = await probe(port, { send: 'PING\\r\\n', expect: '^\\+PONG PING\\r\\n$' })
  expect(result).toMatchObject({ verdict: 'success', words: 'answered as expected' })
  expect(result.transcript).toEqual(expect.arrayContaining(['> PING\\r\\n', '< +PO', '< NG PING\\r\\n']))
})

test('a wrong answer fails when the server closes', async () => {
  const port = await tcpServer((socket) => socket.end('-ERR\n\u001b[31m'))
  const result = await probe(port, { expect: 'PONG' })
  expect(result).toMatchObject({
    verdict: 'failure',
    words: 'closed the connection after "-ERR\\n\\x1b[31m"',
    answered: false,
  })
})

test('an answer without end fails at 64 KiB', async () => {
  const port = await tcpServer((socket) => socket.write(Buffer.alloc(200_000, 'x')))
  expect(await probe(port, { expect: 'PONG' })).toMatchObject({
    verdict: 'failure',
    words: 'the answer is longer than 64 KiB',
  })
})

test('silence ends in firstByte, an answer that stops ends in body', async () => {
  const silent = await tcpServer(() => undefined)
  expect(await probe(silent, { expect: 'x', limits: { ...limits, firstByte: 60 } })).toMatchObject({
    verdict: 'failure',
    words: 'no answer within 60 ms (firstByte)',
    answered: false,
  })
  const dripping = await tcpServer((socket) => socket.write('x'))
  expect(await probe(dripping, { expect: 'xy', limits: { ...limits, total: 200 } })).toMatchObject({
    verdict: 'failure',
    words: 'no complete answer within 200 ms (total, in body)',
  })
})

test('a connection that does not come about ends in connect', async () => {
  const { port, fill } = await fullBacklog()
  await fill()
  const result = await probe(port, { limits: { ...limits, connect: 80 } })
  expect(result).toMatchObject({ verdict: 'failure', words: 'no connection within 80 ms (connect)', answered: false })
})

/** A listener whose process never accepts: its queue is full after a few connections. */
async function fullBacklog(): Promise<{ port: number; fill: () => Promise<void> }> {
  // Never accepts: the thread that owns it is blocked for as long as the test lasts.
  const { Worker } = await import('node:worker_threads')
  const { onTestFinished } = await import('vitest')
  const source = `
    const { createServer } = require('node:net')
    const { parentPort, workerData } = require('node:worker_threads')
    const server = createServer()
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port)
      setImmediate(() => Atomics.wait(new Int32Array(workerData), 0, 0))
    })`
  const gate = new SharedArrayBuffer(4)
  const worker = new Worker(source, { eval: true, workerData: gate })
  onTestFinished(async () => {
    Atomics.store(new Int32Array(gate), 0, 1)
    Atomics.notify(new Int32Array(gate), 0)
    await worker.terminate()
  })
  const port = await new Promise<number>((resolve) => worker.once('message', resolve))
  const fill = async (): Promise<void> => {
    for (let count = 0; count < 8; count += 1) {
      const result = await probeTcp({ ...base, port, limits: { ...limits, connect: 50 } }, local, undefined, never)
      if (result.verdict === 'failure') return
      const { connect } = await import('node:net')
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      onTestFinished(() => void socket.destroy())
    }
  }
  return { port, fill }
}

test('TLS: the end of the certificate is known; verification, names and days count', async () => {
  const pem = selfSigned()
  const port = await listen(createTlsServer(pem, (socket) => socket.resume()))
  const tls = { ...anyTls, verify: true, ca: pem.path, serverName: 'shop.example.com' }
  const good = await probe(port, { tls })
  expect(good).toMatchObject({ verdict: 'success', words: 'connected with TLS' })
  const days = ((good.certificateEnds ?? 0) - Date.now()) / 86_400_000
  expect(days).toBeGreaterThan(29)
  expect(days).toBeLessThan(30.1)
  expect(Object.keys(good.phases)).toEqual(['connect', 'tls'])

  expect(await probe(port, { tls: { ...tls, minimumDaysValid: 31 } })).toMatchObject({
    verdict: 'failure',
    words: expect.stringMatching(/^the certificate ends at 20.*, in less than 31 days$/) as string,
  })
  expect(await probe(port, { tls: { ...tls, serverName: 'other.example.com' } })).toMatchObject({
    verdict: 'failure',
    words: expect.stringContaining('other.example.com') as string,
  })
  expect(await probe(port, { tls: { ...tls, ca: undefined } })).toMatchObject({
    verdict: 'failure',
    words: expect.stringMatching(/self-signed certificate/) as string,
  })
  expect(await probe(port, { tls: anyTls })).toMatchObject({ verdict: 'success' })
})

test('a certificate file that is not there says nothing of the server', async () => {
  const port = await tcpServer((socket) => socket.resume())
  expect(await probe(port, { tls: { ...anyTls, ca: '/nonexistent/ca.pem' } })).toMatchObject({
    verdict: 'void',
    words: expect.stringContaining('/nonexistent/ca.pem') as string,
  })
})

test('a server that never answers the handshake ends in tls; one without TLS fails', async () => {
  const silent = await tcpServer((socket) => socket.resume())
  expect(await probe(silent, { tls: anyTls, limits: { ...limits, tls: 60 } })).toMatchObject({
    verdict: 'failure',
    words: 'no TLS handshake within 60 ms (tls)',
  })
  const plain = await tcpServer((socket) => socket.write('220 hello\r\n'))
  expect(await probe(plain, { tls: anyTls })).toMatchObject({ verdict: 'failure', words: 'TLS: wrong version number' })
})

test('a local address that this host does not have says nothing of the server', async () => {
  const port = await tcpServer((socket) => socket.resume())
  expect(await probe(port, { from: { address: '192.0.2.1', device: undefined } })).toMatchObject({
    verdict: 'void',
    words: expect.stringContaining('EADDRNOTAVAIL') as string,
  })
})

test('marks and devices need the sockets of the addon, which are used when they are there', async () => {
  const port = await tcpServer((socket) => socket.resume())
  const check: TcpCheck = { ...base, port, from: { address: undefined, device: 'eth1' } }
  expect(await probeTcp(check, local, undefined, never)).toMatchObject({
    verdict: 'void',
    words: expect.stringContaining('needs sockets of the addon for `from.device`') as string,
  })
  const marked = { ...local, mark: 65_537 }
  expect(await probe(port, {})).toMatchObject({ verdict: 'success' })
  expect(await probeTcp({ ...base, port }, marked, undefined, never)).toMatchObject({
    verdict: 'void',
    words: expect.stringContaining('needs sockets of the addon for `via: service`') as string,
  })
  const asked: unknown[] = []
  const sockets = {
    tcp: (options: unknown): number => {
      asked.push(options)
      throw Object.assign(new Error('no'), { code: 'EPERM' })
    },
    udp: () => -1,
    ping: () => -1,
  }
  expect(await probeTcp(check, marked, sockets, never)).toMatchObject({ verdict: 'void' })
  expect(asked).toEqual([{ family: 'ipv4', mark: 65_537, device: 'eth1' }])
})

test('a bug of ours is no verdict on a server', async () => {
  const broken = { tcp: undefined, udp: undefined, ping: undefined } as unknown as Sockets
  expect(await probeTcp({ ...base, port: 1 }, { ...local, mark: 7 }, broken, never)).toMatchObject({
    verdict: 'void',
    words: expect.stringContaining('is not a function') as string,
  })
})

test('an abort ends at once, without a verdict', async () => {
  const port = await tcpServer((socket) => socket.resume())
  const controller = new AbortController()
  const pending = probeTcp({ ...base, port, expect: 'x' }, local, undefined, controller.signal)
  setTimeout(() => controller.abort(), 20)
  expect(await pending).toMatchObject({ verdict: 'void', words: 'stopped' })
  expect(await probeTcp({ ...base, port }, local, undefined, AbortSignal.abort())).toMatchObject({ verdict: 'void' })
})

test.each([
  ['PING\\r\\n', 'PING\r\n'],
  ['\\u0000\\u00ff', Buffer.from([0, 255])],
  ['\\u20ac€', '€€'],
  ['a\\\\b\\"', 'a\\b"'],
  ['trailing\\', 'trailing\\'],
  ['real\nnewline', 'real\nnewline'],
])('the escapes of %j', (text, bytes) => {
  expect(unescaped(text)).toEqual(Buffer.from(bytes))
})

test('no socket is left', async () => {
  const server: Server = createServer((socket) => socket.resume())
  const port = await listen(server)
  const before = process.getActiveResourcesInfo().filter((name) => name.startsWith('TCPSocket')).length
  await Promise.all(Array.from({ length: 50 }, async () => await probe(port)))
  await expect
    .poll(() => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCPSocket')).length)
    .toBeLessThanOrEqual(before)
})
