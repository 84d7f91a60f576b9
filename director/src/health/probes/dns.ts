// dns: one query to the server itself, over UDP, and again over TCP when the answer was cut.
// Not node:dns: its resolver calls a lack of descriptors ECONNREFUSED, and cannot mark its packets.
import { randomInt } from 'node:crypto'
import dnsPacket, { type Answer, type DecodedPacket, type RecordType } from 'dns-packet'
import { type Attempt, run } from './attempt.ts'
import { Conversation } from './conversation.ts'
import { connectUdp } from './datagram.ts'
import { ProbeFailure, ProbeVoid } from './errors.ts'
import type { CheckOf, Probe, ProbeTarget, Sockets } from './probe.ts'

type DnsCheck = CheckOf<'dns'>

/** Succeeds with an answer of the type; with `expect` one of the answers must be it, or have it as a field. */
export const probeDns: Probe<DnsCheck> = (check, target, sockets, signal) =>
  run(check.limits, signal, async (attempt) => {
    const id = randomInt(65_536)
    const query = encodeQuery(check, id)
    attempt.log('>', `${check.query} ${check.type}`)
    const short = await askUdp(attempt, check, target, sockets, query)
    const answer = short.flag_tc ? await askTcp(attempt, check, target, sockets, query) : short
    const texts = answersOf(answer, check)
    for (const text of texts) attempt.log('<', text.join(' '))
    const { expect } = check
    if (expect === undefined) return 'answered'
    const wanted = plain(expect)
    if (texts.some((fields) => fields.includes(wanted) || fields.join(' ') === wanted)) return 'answered as expected'
    throw new ProbeFailure(`no answer is ${expect}`)
  })

function encodeQuery({ query, type }: DnsCheck, id: number): Buffer {
  try {
    const questions = [{ name: query, type: type.toUpperCase() as RecordType }]
    const packet = dnsPacket.encode({ type: 'query', id, flags: dnsPacket.RECURSION_DESIRED, questions })
    // A type that dns-packet does not know becomes 0.
    if (dnsPacket.decode(packet).questions?.[0]?.type === questions[0]?.type) return packet
    throw new TypeError('the type is not known')
  } catch (error) {
    throw new ProbeVoid(`no query for ${query} ${type}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function askUdp(
  attempt: Attempt,
  check: DnsCheck,
  target: ProbeTarget,
  sockets: Sockets | undefined,
  query: Buffer,
): Promise<DecodedPacket> {
  const socket = await connectUdp(attempt, check, target, sockets)
  attempt.enter('firstByte')
  return await new Promise((resolve) => {
    socket.on('message', (message) => {
      // A datagram of another query, or of none, is no answer to this one.
      if (message.length < 12 || message.readUInt16BE(0) !== query.readUInt16BE(0)) return
      decoding(attempt, () => resolve(dnsPacket.decode(message)))
    })
    socket.send(query)
  })
}

function decoding(attempt: Attempt, decode: () => void): void {
  try {
    decode()
  } catch {
    attempt.fail(new ProbeFailure('the answer is malformed'))
  }
}

async function askTcp(
  attempt: Attempt,
  check: DnsCheck,
  target: ProbeTarget,
  sockets: Sockets | undefined,
  query: Buffer,
): Promise<DecodedPacket> {
  attempt.log('*', 'the answer was cut: again over TCP')
  const talk = await Conversation.open(attempt, { ...check, tls: undefined }, target, sockets)
  const head = Buffer.alloc(2)
  head.writeUInt16BE(query.length)
  talk.send(Buffer.concat([head, query]))
  const message = await talk.take((received) => {
    const length = received.length < 2 ? 0 : 2 + received.readUInt16BE(0)
    return length > 2 && received.length >= length ? length : 0
  })
  try {
    return dnsPacket.decode(message.subarray(2))
  } catch {
    throw new ProbeFailure('the answer is malformed')
  }
}

/** The fields of each answer of the type, in lower case, names without the dot at the end. */
function answersOf(packet: DecodedPacket, { type }: DnsCheck): string[][] {
  const rcode = 'rcode' in packet ? String(packet.rcode) : 'no code'
  if (packet.type !== 'response') throw new ProbeFailure('the answer is no response')
  if (rcode !== 'NOERROR') throw new ProbeFailure(rcode)
  const wanted = type.toUpperCase()
  const answers = (packet.answers ?? []).filter((answer) => wanted === 'ANY' || answer.type === wanted)
  if (answers.length === 0) throw new ProbeFailure(`no record of type ${type}`)
  return answers.map((answer) => fieldsOf(answer).map(plain))
}

function fieldsOf(answer: Answer): string[] {
  const data: unknown = 'data' in answer ? answer.data : ''
  // The pieces of one TXT record belong together.
  if (Array.isArray(data)) return [data.map(String).join('')]
  if (Buffer.isBuffer(data)) return [data.toString()]
  return typeof data === 'object' && data !== null ? Object.values(data).map(String) : [String(data)]
}

const plain = (text: string): string => text.toLowerCase().replace(/(?<=.)\.$/, '')
