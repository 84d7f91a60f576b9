import { type ServerHttp2Stream, createServer as createHttp2Server } from 'node:http2'
import { describe, expect, onTestFinished, test } from 'vitest'
import { probeAny } from '../../../src/health/probes/all.ts'
import { encodeRequest } from '../../../src/health/probes/grpc.ts'
import type { ProbeResult } from '../../../src/health/probes/probe.ts'
import type { Check } from '../../../src/site/site.ts'
import { common, limits, local, never } from '../support/checks.ts'
import { tcpServer } from '../support/servers.ts'

const short = { ...limits, firstByte: 80 }
const frame = (...body: number[]): Buffer => Buffer.from([0, 0, 0, 0, body.length, ...body])

async function probe(check: object): Promise<ProbeResult> {
  return await probeAny({ ...common, ...check } as Check, local, undefined, never)
}

type Answer = (stream: ServerHttp2Stream, request: Buffer) => void

const serving =
  (status: number, code = '0'): Answer =>
  (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': code }))
    stream.end(frame(0x08, status))
  }

async function grpcServer(answer: Answer): Promise<number> {
  const server = createHttp2Server()
  server.on('stream', (stream) => {
    stream.on('error', () => undefined)
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => answer(stream, Buffer.concat(chunks)))
  })
  const sessions = new Set<{ destroy: () => void }>()
  server.on('session', (session) => sessions.add(session))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const session of sessions) session.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const where = server.address()
  return where !== null && typeof where === 'object' ? where.port : 0
}

describe('grpc', () => {
  const grpc = { kind: 'grpc', service: 'shop.Orders', tls: undefined }

  test('SERVING succeeds, other states and codes fail', async () => {
    expect(await probe({ ...grpc, port: await grpcServer(serving(1)) })).toMatchObject({
      verdict: 'success',
      words: 'SERVING',
    })
    expect(await probe({ ...grpc, port: await grpcServer(serving(2)) })).toMatchObject({
      verdict: 'failure',
      words: 'NOT_SERVING',
    })
    expect(await probe({ ...grpc, port: await grpcServer(serving(1, '5')) })).toMatchObject({
      verdict: 'failure',
      words: 'gRPC status 5',
    })
    const unimplemented = await grpcServer((stream) => {
      stream.respond({ ':status': 200, 'grpc-status': '12', 'grpc-message': 'unknown service' }, { endStream: true })
    })
    expect(await probe({ ...grpc, port: unimplemented })).toMatchObject({
      verdict: 'failure',
      words: 'gRPC status 12 unknown service',
      answered: true,
    })
  })

  test('the request names the service', async () => {
    const seen: Buffer[] = []
    const port = await grpcServer((stream, request) => {
      seen.push(request)
      serving(1)(stream, request)
    })
    await probe({ ...grpc, port })
    await probe({ ...grpc, port, service: '' })
    expect(seen).toEqual([Buffer.from('\0\0\0\0\x0d\x0a\x0bshop.Orders', 'latin1'), Buffer.alloc(5)])
    expect(encodeRequest('x'.repeat(200)).subarray(0, 8)).toEqual(Buffer.from([0, 0, 0, 0, 203, 0x0a, 0xc8, 0x01]))
  })

  test('silence ends in firstByte; a server of HTTP/1 fails', async () => {
    const silent = await grpcServer(() => undefined)
    expect(await probe({ ...grpc, port: silent, limits: short })).toMatchObject({
      verdict: 'failure',
      words: 'no answer within 80 ms (firstByte)',
    })
    const old = await tcpServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    expect(await probe({ ...grpc, port: old })).toMatchObject({ verdict: 'failure' })
  })
})
