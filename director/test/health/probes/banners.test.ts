// Greetings and one exchange, against scripted servers: each script is what the server says, and what it waits for.
import type { Socket } from 'node:net'
import { TLSSocket, createSecureContext } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { probeAny } from '../../../src/health/probes/all.ts'
import type { BannerCheck, ProbeResult } from '../../../src/health/probes/probe.ts'
import { anyTls, common, limits, local, never } from '../support/checks.ts'
import { type Pem, selfSigned, tcpServer } from '../support/servers.ts'

type Kind = BannerCheck['kind']
/** Bytes to send, a pattern to wait for, or the start of TLS. */
type Step = string | Buffer | RegExp | typeof TLS | Until
interface Until {
  readonly until: string
}
const TLS: unique symbol = Symbol('TLS')
/** Waits for bytes, one by one in latin1. */
const until = (text: string): Until => ({ until: text })

async function scripted(steps: readonly Step[], pem?: Pem): Promise<number> {
  return await tcpServer((socket) => void play(socket, steps, pem))
}

async function play(plain: Socket, steps: readonly Step[], pem: Pem | undefined): Promise<void> {
  let socket = plain
  for (const step of steps) {
    if (typeof step === 'string' || Buffer.isBuffer(step)) {
      socket.write(step)
    } else if (typeof step === 'symbol') {
      if (pem === undefined) throw new Error('the script has TLS, but no certificate')
      socket = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(pem) })
      socket.on('error', () => undefined)
    } else {
      await waitFor(socket, step)
    }
  }
}

/** Leaves what comes after the awaited bytes in the socket: a client of MySQL begins TLS without an answer. */
async function waitFor(socket: Socket, step: RegExp | Until): Promise<void> {
  let text = ''
  await new Promise<void>((resolve) => {
    socket.on('data', (data: Buffer) => {
      text += data.toString('latin1')
      const at = step instanceof RegExp ? text.search(step) : text.indexOf(step.until)
      if (at >= 0) resolve()
    })
    socket.resume()
  })
  socket.pause()
  socket.removeAllListeners('data')
  if (!(step instanceof RegExp)) {
    const rest = text.slice(text.indexOf(step.until) + step.until.length)
    if (rest !== '') socket.unshift(Buffer.from(rest, 'latin1'))
  }
}

async function probe(kind: Kind, port: number, settings: Partial<BannerCheck> = {}): Promise<ProbeResult> {
  const check = {
    ...common,
    limits: { ...limits, firstByte: 1000, total: 2000 },
    kind,
    port,
    tls: undefined,
    startTls: false,
  }
  return await probeAny({ ...check, ...settings }, local, undefined, never)
}

const bytes = (...values: (number | string)[]): Buffer =>
  Buffer.concat(
    values.map((value) => (typeof value === 'number' ? Buffer.from([value]) : Buffer.from(value, 'latin1'))),
  )

/** A packet of MySQL. */
const mysql = (sequence: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([body.length, 0, 0, sequence]), body])
const mysqlGreeting = mysql(0, bytes(10, '8.0.36\0', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'))
/** Flags for TLS, largest packet, character set. */
const sslRequest = `\x01\x8a\0\0\0\0\x10\0!${'\0'.repeat(23)}`
const mysqlError = (sequence: number, code: number, text: string): Buffer =>
  mysql(sequence, bytes(0xff, code & 0xff, code >> 8, '#28000', text))
/** A message of PostgreSQL. */
const postgres = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(4 + body.length)
  return Buffer.concat([Buffer.from(type), head, body])
}
const postgresError = (state: string, text: string): Buffer =>
  postgres('E', bytes('SFATAL\0', `C${state}\0`, `M${text}\0`, '\0'))
const ldapAnswer = (tag: number, code: number): Buffer => bytes(0x30, 12, 2, 1, 1, tag, 7, 0x0a, 1, code, 4, 0, 4, 0)
/** The same with a length of two bytes. */
const ldapLong = bytes(0x30, 0x81, 13, 2, 1, 1, 0x61, 0x81, 7, 0x0a, 1, 0, 4, 0, 4, 0)

const good: [Kind, Step[], string][] = [
  ['smtp', ['220-mx\r\n', '220 ready\r\n', /EHLO \S+\r\n/, '250-mx\r\n250 SIZE\r\n'], 'greeting and EHLO accepted'],
  [
    'ftp',
    ['220-Welcome\r\n  to this server\r\n', '220 ready\r\n', /QUIT\r\n/, '221 bye\r\n'],
    'greeting and QUIT accepted',
  ],
  ['imap', ['* OK ready\r\n', /NOOP\r\n/, '* 3 EXISTS\r\na2 OK done\r\n'], 'greeting and NOOP accepted'],
  ['imap', ['* PREAUTH ready\r\n', /NOOP\r\n/, 'a2 ok done\r\n'], 'greeting and NOOP accepted'],
  ['pop', ['+OK ready\r\n', /QUIT\r\n/, '+OK\r\n'], 'greeting and QUIT accepted'],
  ['redis', [/PING\r\n/, '+PONG\r\n'], 'PONG'],
  ['redis', [/PING\r\n/, '-NOAUTH Authentication required.\r\n'], 'answered, and wants a password'],
  ['mysql', [mysqlGreeting, /ipvs-director/, mysqlError(2, 1045, 'Access denied')], 'greeting of 8.0.36'],
  ['mysql', [mysqlGreeting, /ipvs-director/, mysql(2, bytes(0xfe, 'mysql_native_password\0'))], 'greeting of 8.0.36'],
  ['postgres', [until('user\0ipvs-director'), postgres('R', bytes(0, 0, 0, 10))], 'asks for the login'],
  ['postgres', [until('user\0ipvs-director'), postgresError('28000', 'no entry')], 'answers the login'],
  ['ldap', [until('0\x0c\x02'), ldapAnswer(0x61, 0), until('B\0')], 'bound without a name'],
  ['ldap', [until('0\x0c\x02'), ldapLong], 'bound without a name'],
  ['ldap', [until('0\x0c\x02'), ldapAnswer(0x61, 48)], 'answers the bind (result 48)'],
]

test.each(good)('%s that works: %#', async (kind, steps, words) => {
  expect(await probe(kind, await scripted(steps))).toMatchObject({ verdict: 'success', words })
})

const bad: [Kind, Step[], string][] = [
  ['smtp', ['554 no service\r\n'], 'greeting: "554 no service"'],
  ['smtp', ['220 ready\r\n', /EHLO/, '421-too\r\n421 busy\r\n'], 'EHLO: "421 busy"'],
  ['smtp', ['SSH-2.0-OpenSSH\r\n'], 'no reply to greeting: "SSH-2.0-OpenSSH"'],
  ['ftp', ['421 too many users\r\n'], 'greeting: "421 too many users"'],
  ['imap', ['* BYE overloaded\r\n'], 'greeting: "* BYE overloaded"'],
  ['imap', ['* OK\r\n', /NOOP/, 'a2 NO later\r\n'], 'NOOP: "a2 NO later"'],
  ['pop', ['-ERR locked\r\n'], 'greeting: "-ERR locked"'],
  ['redis', [/PING/, '-LOADING Redis is loading\r\n'], 'PING: "-LOADING Redis is loading"'],
  ['redis', [/PING/, '-MASTERDOWN Link with MASTER is down\r\n'], 'PING: "-MASTERDOWN Link with MASTER is down"'],
  ['mysql', [mysqlError(0, 1040, 'Too many connections')], 'error 1040: #28000Too many connections'],
  ['mysql', [mysqlGreeting, /ipvs-director/, mysqlError(2, 1129, 'blocked')], 'error 1129: #28000blocked'],
  ['mysql', ['HTTP/1.1 400 Bad Request\r\n'], 'this is no packet of MySQL'],
  ['postgres', [/user/, postgresError('57P03', 'starting up')], 'error 57P03: starting up'],
  ['postgres', [/user/, postgresError('53300', 'too many')], 'error 53300: too many'],
  ['postgres', [/user/, 'HTTP/1.1 400'], 'this is no message of PostgreSQL'],
  ['ldap', [until('0\x0c\x02'), ldapAnswer(0x61, 51)], 'bind: result 51'],
  ['ldap', [until('0\x0c\x02'), 'HTTP/1.1 400'], 'this is no message of LDAP'],
]

test.each(bad)('%s that does not serve: %#', async (kind, steps, words) => {
  expect(await probe(kind, await scripted(steps))).toMatchObject({ verdict: 'failure', words, answered: true })
})

const kinds: Kind[] = ['smtp', 'ftp', 'imap', 'pop', 'redis', 'mysql', 'postgres', 'ldap']

test.each(kinds)(
  '%s: silence ends in firstByte, a closed connection fails, half an answer ends in body',
  async (kind) => {
    const settings = { limits: { ...limits, firstByte: 60 } }
    expect(await probe(kind, await scripted([]), settings)).toMatchObject({
      verdict: 'failure',
      words: 'no answer within 60 ms (firstByte)',
      answered: false,
    })
    const closing = await tcpServer((socket) => void socket.end())
    expect(await probe(kind, closing)).toMatchObject({ verdict: 'failure', answered: false })
    const half = await scripted([kind === 'postgres' ? 'R' : '0'])
    expect(await probe(kind, half, { limits: { ...limits, total: 120 } })).toMatchObject({
      verdict: 'failure',
      words: 'no complete answer within 120 ms (total, in body)',
    })
  },
)

describe('TLS after the greeting', () => {
  const upgrades: [Kind, Step[]][] = [
    ['smtp', ['220 mx\r\n', /EHLO/, '250 mx\r\n', /STARTTLS\r\n/, '220 go\r\n', TLS, /EHLO/, '250 mx\r\n']],
    ['ftp', ['220 ftp\r\n', /AUTH TLS\r\n/, '234 go\r\n', TLS, /QUIT/, '221 bye\r\n']],
    ['imap', ['* OK\r\n', /a1 STARTTLS\r\n/, 'a1 OK go\r\n', TLS, /a2 NOOP/, 'a2 OK\r\n']],
    ['pop', ['+OK\r\n', /STLS\r\n/, '+OK go\r\n', TLS, /QUIT/, '+OK\r\n']],
    ['mysql', [mysqlGreeting, until(`\x20\0\0\x01${sslRequest}`), TLS, /ipvs-director/, mysqlError(3, 1045, 'denied')]],
    ['postgres', [until('\x04\xd2\x16\x2f'), 'S', TLS, until('user\0'), postgres('R', bytes(0, 0, 0, 0))]],
    ['ldap', [/1\.3\.6\.1\.4\.1\.1466\.20037$/, ldapAnswer(0x78, 0), TLS, until('0\x0c'), ldapAnswer(0x61, 0)]],
  ]

  test.each(upgrades)('%s', async (kind, steps) => {
    const pem = selfSigned()
    const tls = { ...anyTls, verify: true, ca: pem.path, serverName: 'shop.example.com' }
    const result = await probe(kind, await scripted(steps, pem), { tls, startTls: true })
    expect(result).toMatchObject({ verdict: 'success', certificateEnds: expect.any(Number) as number })
    expect(Object.keys(result.phases)).toContain('tls')
    const other = { ...tls, serverName: 'other.example.com' }
    expect(await probe(kind, await scripted(steps, pem), { tls: other, startTls: true })).toMatchObject({
      verdict: 'failure',
      words: expect.stringContaining('other.example.com') as string,
    })
  })

  const refusals: [Kind, Step[], string][] = [
    ['smtp', ['220 mx\r\n', /EHLO/, '250 mx\r\n', /STARTTLS/, '454 not now\r\n'], 'STARTTLS: "454 not now"'],
    ['postgres', [until('\x04\xd2\x16\x2f'), 'N'], 'the server has no TLS'],
    ['ldap', [/20037$/, ldapAnswer(0x78, 2)], 'STARTTLS: result 2'],
    ['pop', ['+OK\r\n', /STLS/, '+OK go\r\n+OK smuggled\r\n'], 'bytes after the answer to STARTTLS'],
  ]

  test.each(refusals)('%s refuses', async (kind, steps, words) => {
    const settings = { tls: anyTls, startTls: true }
    expect(await probe(kind, await scripted(steps), settings)).toMatchObject({ verdict: 'failure', words })
  })

  test('without `tls` the certificate is verified', async () => {
    const steps: Step[] = ['+OK\r\n', /STLS\r\n/, '+OK go\r\n', TLS, /QUIT/, '+OK\r\n']
    expect(await probe('pop', await scripted(steps, selfSigned()), { startTls: true })).toMatchObject({
      verdict: 'failure',
      words: expect.stringContaining('self-signed') as string,
    })
  })
})

test('TLS at once', async () => {
  const pem = selfSigned()
  const port = await scripted([TLS, '+OK\r\n', /QUIT/, '+OK\r\n'], pem)
  expect(await probe('pop', port, { tls: anyTls })).toMatchObject({ verdict: 'success' })
})
