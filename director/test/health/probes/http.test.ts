import { type RequestListener, createServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { expect, test } from 'vitest'
import { probeHttp } from '../../../src/health/probes/http.ts'
import type { CheckOf, ProbeResult } from '../../../src/health/probes/probe.ts'
import { anyTls, common, limits, local, never } from '../support/checks.ts'
import { listen, selfSigned, tcpServer } from '../support/servers.ts'

type HttpCheck = CheckOf<'http'>
const base: Omit<HttpCheck, 'port'> = {
  ...common,
  kind: 'http',
  method: 'GET',
  path: '/healthz',
  host: undefined,
  headers: {},
  status: [{ from: 200, to: 299 }],
  body: undefined,
  tls: undefined,
}

async function probe(port: number, settings: Partial<HttpCheck> = {}): Promise<ProbeResult> {
  return await probeHttp({ ...base, port, ...settings }, local, undefined, never)
}

const httpServer = async (listener: RequestListener): Promise<number> => await listen(createServer(listener))
const bodyRule = { match: undefined, absent: undefined, maximumBytes: 1000 }

test('an accepted status succeeds; the request is as configured', async () => {
  const seen: unknown[] = []
  const port = await httpServer((request, response) => {
    const { method, url, headers } = request
    seen.push({ method, url, headers })
    response.end('ok')
  })
  const result = await probe(port)
  expect(result).toMatchObject({ verdict: 'success', words: 'status 200' })
  expect(Object.keys(result.phases)).toEqual(['connect', 'firstByte'])
  expect(result.transcript).toContain('> GET /healthz HTTP/1.1')
  expect(result.transcript).toContain('< HTTP/1.1 200 OK')
  await probe(port, {
    method: 'HEAD',
    path: '/a?b',
    host: 'shop.example.com',
    headers: { 'User-Agent': 'me', 'X-A': '1' },
  })
  expect(seen).toEqual([
    {
      method: 'GET',
      url: '/healthz',
      headers: { host: `127.0.0.1:${String(port)}`, 'user-agent': 'ipvs-director', connection: 'close' },
    },
    {
      method: 'HEAD',
      url: '/a?b',
      headers: { host: 'shop.example.com', 'user-agent': 'me', 'x-a': '1', connection: 'close' },
    },
  ])
})

test('another status fails, and says which are accepted; ranges and single statuses', async () => {
  const port = await httpServer((request, response) => {
    response.statusCode = Number(request.url?.slice(1))
    response.end()
  })
  const status = [
    { from: 200, to: 204 },
    { from: 401, to: 401 },
  ]
  expect(await probe(port, { path: '/503', status })).toMatchObject({
    verdict: 'failure',
    words: 'status 503, not 200-204, 401',
    answered: true,
  })
  expect(await probe(port, { path: '/401', status })).toMatchObject({ verdict: 'success' })
  expect(await probe(port, { path: '/302' })).toMatchObject({ verdict: 'failure' })
  expect(await probe(port, { path: '/408' })).toMatchObject({ verdict: 'failure', answered: false })
})

test('the body must match, must not match, and is read up to a limit', async () => {
  const port = await httpServer((_, response) => {
    response.write('status: ')
    setTimeout(() => response.end(`green${'.'.repeat(2000)}end`), 20)
  })
  const body = { ...bodyRule, maximumBytes: 10_000 }
  expect(await probe(port, { body: { ...body, match: 'status: green' } })).toMatchObject({ verdict: 'success' })
  expect(await probe(port, { body: { ...body, match: 'red' } })).toMatchObject({
    verdict: 'failure',
    words: 'no match of `body.match` in the body',
  })
  expect(await probe(port, { body: { ...body, absent: 'gre+n' } })).toMatchObject({
    verdict: 'failure',
    words: 'a match of `body.absent` in the body',
  })
  expect(await probe(port, { body: { ...bodyRule, match: 'end$' } })).toMatchObject({
    verdict: 'failure',
    words: 'no match of `body.match` in the first 1000 bytes of the body',
  })
  expect(await probe(port, { body: { ...bodyRule, absent: 'end$' } })).toMatchObject({ verdict: 'success' })
})

test('a body without end stops at the limit, one that is cut off fails', async () => {
  const endless = await httpServer((_, response) => {
    const timer = setInterval(() => response.write('x'.repeat(500)), 1)
    response.on('close', () => clearInterval(timer))
  })
  expect(await probe(endless, { body: { ...bodyRule, match: 'x' } })).toMatchObject({ verdict: 'success' })
  const cut = await tcpServer((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'))
  })
  expect(await probe(cut, { body: { ...bodyRule, match: 'short' } })).toMatchObject({ verdict: 'failure' })
})

test('each limit ends in its phase', async () => {
  const silent = await tcpServer((socket) => socket.resume())
  expect(await probe(silent, { limits: { ...limits, firstByte: 60 } })).toMatchObject({
    verdict: 'failure',
    words: 'no answer within 60 ms (firstByte)',
  })
  expect(await probe(silent, { tls: anyTls, limits: { ...limits, tls: 60 } })).toMatchObject({
    verdict: 'failure',
    words: 'no TLS handshake within 60 ms (tls)',
  })
  const slowHead = await tcpServer((socket) => socket.write('HTTP/1.1 200 OK\r\n'))
  expect(await probe(slowHead, { limits: { ...limits, total: 150 } })).toMatchObject({
    verdict: 'failure',
    words: 'no answer within 150 ms (total, in firstByte)',
  })
  const dripping = await httpServer((_, response) => void response.write('x'))
  const result = await probe(dripping, { body: { ...bodyRule, match: 'y' }, limits: { ...limits, total: 150 } })
  expect(result).toMatchObject({ verdict: 'failure', words: 'no complete answer within 150 ms (total, in body)' })
  expect(Object.keys(result.phases)).toEqual(['connect', 'firstByte', 'body'])
})

test('no HTTP, and a connection closed too early', async () => {
  const other = await tcpServer((socket) => socket.once('data', () => socket.end('220 mail ready\r\n')))
  expect(await probe(other)).toMatchObject({ verdict: 'failure' })
  const closing = await tcpServer((socket) => socket.once('data', () => socket.end()))
  expect(await probe(closing)).toMatchObject({ verdict: 'failure', answered: false })
})

test('https: server name, host and the end of the certificate', async () => {
  const pem = selfSigned()
  const names: unknown[] = []
  const server = createHttpsServer(pem, (request, response) => {
    names.push(request.headers.host)
    response.end('ok')
  })
  const port = await listen(server)
  const tls = { ...anyTls, verify: true, ca: pem.path }
  const result = await probe(port, { tls: { ...tls, serverName: 'shop.example.com' } })
  expect(result).toMatchObject({ verdict: 'success', certificateEnds: expect.any(Number) as number })
  expect(Object.keys(result.phases)).toEqual(['connect', 'tls', 'firstByte'])
  expect(await probe(port, { tls, host: 'shop.example.com' })).toMatchObject({ verdict: 'success' })
  expect(names).toEqual(['shop.example.com', 'shop.example.com'])
  expect(await probe(port, { tls })).toMatchObject({ verdict: 'failure' })
  expect(await probe(port, { tls: { ...tls, serverName: 'shop.example.com', minimumDaysValid: 60 } })).toMatchObject({
    verdict: 'failure',
    words: expect.stringContaining('in less than 60 days') as string,
  })
})

test('the protocol may change: 101 is a status', async () => {
  const port = await tcpServer((socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
    )
  })
  const headers = { connection: 'upgrade', upgrade: 'websocket' }
  expect(await probe(port, { headers, status: [{ from: 101, to: 101 }] })).toMatchObject({ verdict: 'success' })
})

test('a header or path that HTTP does not allow says nothing of the server', async () => {
  const port = await httpServer((_, response) => response.end())
  expect(await probe(port, { headers: { 'x-a': 'line\nbreak' } })).toMatchObject({ verdict: 'void' })
  expect(await probe(port, { path: '/a b' })).toMatchObject({ verdict: 'void' })
})
