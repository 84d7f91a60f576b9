// mysql, postgres, ldap: binary greetings, without a login of ours.
import { probeBanner } from './banners.ts'
import type { Conversation } from './conversation.ts'
import { ProbeFailure } from './errors.ts'
import type { BannerCheck, Probe } from './probe.ts'

const clientFlags = { longPassword: 1, ssl: 0x800, protocol41: 0x200, secureConnection: 0x8000, pluginAuth: 0x80000 }

/**
 * Reads the greeting and tries to log in as a user that need not exist: a server counts connections that end before a login
 * as errors of the host, and refuses the host after some. A refused login is an answer.
 */
export const probeMysql: Probe<BannerCheck> = probeBanner(async (talk, startTls, wantsTls) => {
  const greeting = await mysqlPacket(talk)
  refuseMysqlError(greeting.body, false)
  if (greeting.body[0] !== 10) throw new ProbeFailure(`protocol ${String(greeting.body[0])} of MySQL is not known`)
  const version = greeting.body.toString('latin1', 1, Math.max(1, greeting.body.indexOf(0, 1))).slice(0, 60)
  let sequence = greeting.sequence
  if (wantsTls) {
    talk.send(mysqlFrame(++sequence, mysqlHead(clientFlags.ssl)))
    await startTls()
  }
  const login = Buffer.concat([mysqlHead(wantsTls ? clientFlags.ssl : 0), Buffer.from('ipvs-director\0\0')])
  talk.send(mysqlFrame(++sequence, login))
  const answer = await mysqlPacket(talk)
  refuseMysqlError(answer.body, true)
  return `greeting of ${version}`
})

async function mysqlPacket(talk: Conversation): Promise<{ readonly sequence: number; readonly body: Buffer }> {
  const packet = await talk.take((received) => {
    const length = received.length < 4 ? 0 : 4 + received.readUIntLE(0, 3)
    if (length > 65_536) throw new ProbeFailure('this is no packet of MySQL')
    return length > 0 && received.length >= length ? length : 0
  })
  if (packet.length === 4) throw new ProbeFailure('an empty packet of MySQL')
  return { sequence: packet.readUInt8(3), body: packet.subarray(4) }
}

function mysqlFrame(sequence: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head.writeUInt8(sequence, 3)
  return Buffer.concat([head, body])
}

/** Flags, largest packet, character set utf8, reserved bytes. */
function mysqlHead(more: number): Buffer {
  const head = Buffer.alloc(32)
  const { longPassword, protocol41, secureConnection } = clientFlags
  head.writeUInt32LE(longPassword | protocol41 | secureConnection | more, 0)
  head.writeUInt32LE(1_048_576, 4)
  head.writeUInt8(33, 8)
  return head
}

/** Access denied to this user (1044, 1045, 1698), or with old authentication (1251, 2049): the server works. */
const mysqlLoginErrors = new Set([1044, 1045, 1698, 1251, 2049])

function refuseMysqlError(body: Buffer, login: boolean): void {
  if (body[0] !== 0xff || body.length < 3) return
  const code = body.readUInt16LE(1)
  if (login && mysqlLoginErrors.has(code)) return
  throw new ProbeFailure(`error ${String(code)}: ${body.toString('utf8', 3, 150)}`)
}

/**
 * Sends a start-up message of a user that need not exist. A question for a password, or any error but "not now"
 * (SQLSTATE 57P01 to 57P05) and "too many connections" (53...), is an answer.
 */
export const probePostgres: Probe<BannerCheck> = probeBanner(async (talk, startTls, wantsTls) => {
  if (wantsTls) {
    talk.send(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]))
    const answer = await talk.take((received) => Math.min(1, received.length))
    if (answer[0] !== 0x53) throw new ProbeFailure('the server has no TLS')
    await startTls()
  }
  const parameters = Buffer.from('user\0ipvs-director\0application_name\0ipvs-director\0\0')
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + parameters.length, 0)
  head.writeUInt32BE(196_608, 4)
  talk.send(Buffer.concat([head, parameters]))
  const message = await talk.take(postgresMessage)
  const type = message.toString('latin1', 0, 1)
  if (type !== 'R' && type !== 'E') throw new ProbeFailure(`message "${type}" instead of a question for the login`)
  if (type === 'R') return 'asks for the login'
  const fields = message.toString('utf8', 5).split('\0')
  const field = (name: string): string => fields.find((text) => text.startsWith(name))?.slice(1) ?? ''
  const state = field('C')
  if (/^(?:57P0|53)/.test(state)) throw new ProbeFailure(`error ${state}: ${field('M').slice(0, 150)}`)
  return 'answers the login'
})

function postgresMessage(received: Buffer): number {
  if (received.length < 5) return 0
  const length = 1 + received.readUInt32BE(1)
  if (length > 65_536) throw new ProbeFailure('this is no message of PostgreSQL')
  return received.length >= length ? length : 0
}

const ldapStartTls = Buffer.concat([
  Buffer.from([0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16]),
  Buffer.from('1.3.6.1.4.1.1466.20037'),
])
const ldapBind = Buffer.from([0x30, 0x0c, 0x02, 0x01, 0x02, 0x60, 0x07, 0x02, 0x01, 0x03, 0x04, 0x00, 0x80, 0x00])
const ldapUnbind = Buffer.from([0x30, 0x05, 0x02, 0x01, 0x03, 0x42, 0x00])
/** operationsError, busy, unavailable, loopDetect, other. */
const ldapFaults = new Set([1, 51, 52, 54, 80])

/** Binds without a name. A refusal of that is an answer; "busy" and "unavailable" are failures. */
export const probeLdap: Probe<BannerCheck> = probeBanner(async (talk, startTls, wantsTls) => {
  if (wantsTls) {
    talk.send(ldapStartTls)
    const code = await ldapResult(talk, 0x78)
    if (code !== 0) throw new ProbeFailure(`STARTTLS: result ${String(code)}`)
    await startTls()
  }
  talk.send(ldapBind)
  const code = await ldapResult(talk, 0x61)
  if (ldapFaults.has(code)) throw new ProbeFailure(`bind: result ${String(code)}`)
  talk.send(ldapUnbind)
  return code === 0 ? 'bound without a name' : `answers the bind (result ${String(code)})`
})

/** The result code of an answer: SEQUENCE { messageID INTEGER, [APPLICATION] { ENUMERATED ... } }. */
async function ldapResult(talk: Conversation, tag: number): Promise<number> {
  const message = await talk.take((received) => {
    const outer = berLength(received, 1)
    if (outer === undefined) return 0
    if (received[0] !== 0x30 || outer.end > 65_536) throw new ProbeFailure('this is no message of LDAP')
    return received.length >= outer.end ? outer.end : 0
  })
  const identifier = berLength(message, 1)?.start ?? 0
  const operation = berLength(message, identifier + 1)?.end ?? 0
  const result = berLength(message, operation + 1)?.start ?? 0
  if (message[operation] !== tag || message[result] !== 0x0a) throw new ProbeFailure('this is no answer of LDAP')
  return message[result + 2] ?? -1
}

/** Start and end of the content whose length field is at `at`; `undefined`: more bytes are needed. */
function berLength(bytes: Buffer, at: number): { readonly start: number; readonly end: number } | undefined {
  const first = bytes[at]
  if (first === undefined) return undefined
  if (first < 0x80) return { start: at + 1, end: at + 1 + first }
  const count = first - 0x80
  if (count < 1 || count > 4) throw new ProbeFailure('this is no message of LDAP')
  if (bytes.length < at + 1 + count) return undefined
  const start = at + 1 + count
  return { start, end: start + bytes.readUIntBE(at + 1, count) }
}
