// grpc: grpc.health.v1.Health/Check over HTTP/2.
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import type { Socket } from 'node:net'
import { type Attempt, run } from './attempt.ts'
import { connect, endpoint, startTls } from './connect.ts'
import { ProbeFailure } from './errors.ts'
import type { CheckOf, Probe } from './probe.ts'

type GrpcCheck = CheckOf<'grpc'>

const servingStates = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']
const maximumBytes = 65_536

/** Succeeds with status OK and SERVING. */
export const probeGrpc: Probe<GrpcCheck> = (check, target, sockets, signal) =>
  run(check.limits, signal, async (attempt) => {
    const plain = await connect(attempt, check, target, sockets)
    const { tls } = check
    const socket = tls === undefined ? plain : await startTls(attempt, plain, tls, target.address, ['h2'])
    attempt.enter('firstByte')
    const authority = tls?.serverName ?? endpoint(target.address, check.port)
    const session = openSession(attempt, socket, tls === undefined ? 'http' : 'https', authority)
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'ipvs-director',
    })
    stream.on('error', (error) => attempt.fail(error))
    attempt.log('>', `grpc.health.v1.Health/Check "${check.service}"`)
    stream.end(encodeRequest(check.service))
    return await readAnswer(attempt, stream)
  })

function openSession(attempt: Attempt, socket: Socket, scheme: string, authority: string): ClientHttp2Session {
  const session = connectHttp2(`${scheme}://${authority}`, { createConnection: () => socket })
  attempt.atEnd(() => session.destroy())
  session.on('error', (error) => attempt.fail(error))
  session.on('close', () => attempt.fail(new ProbeFailure('closed the connection', false)))
  return session
}

/** A message of gRPC: not compressed, length, and HealthCheckRequest { string service = 1 }. */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8')
  const body = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name])
  const head = Buffer.alloc(5)
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}

interface Headers {
  readonly [name: string]: string | string[] | number | undefined
}

async function readAnswer(attempt: Attempt, stream: ClientHttp2Stream): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  const known = new Map<string, string>()
  const keep = (headers: Headers): void => {
    for (const name of [':status', 'grpc-status', 'grpc-message']) {
      if (headers[name] !== undefined) known.set(name, String(headers[name]))
    }
  }
  await new Promise<void>((resolve, reject) => {
    stream.on('response', (headers: Headers) => {
      attempt.enter('body')
      keep(headers)
    })
    stream.on('trailers', keep)
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length > maximumBytes) reject(new ProbeFailure('the answer is longer than 64 KiB'))
    })
    stream.on('end', resolve)
  })
  for (const [name, value] of known) attempt.log('<', `${name}: ${value}`)
  attempt.log('<', Buffer.concat(chunks))
  if (known.get(':status') !== '200') throw new ProbeFailure(`HTTP status ${known.get(':status') ?? 'missing'}`)
  const status = known.get('grpc-status')
  if (status !== '0')
    throw new ProbeFailure(`gRPC status ${status ?? 'missing'} ${known.get('grpc-message') ?? ''}`.trimEnd())
  const state = decodeStatus(Buffer.concat(chunks))
  const name = servingStates[state] ?? String(state)
  if (name !== 'SERVING') throw new ProbeFailure(name)
  return name
}

/** `status` of HealthCheckResponse { ServingStatus status = 1 }; absent is 0. */
function decodeStatus(message: Buffer): number {
  if (message.length < 5 || message[0] !== 0) throw new ProbeFailure('this is no message of gRPC')
  return message[5] === 0x08 ? (message[6] ?? 0) : 0
}
