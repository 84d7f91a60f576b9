// http and https: a request over a connection of its own; status, and body when a rule says so.
import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import type { BodyRule, PortRange } from '../../site/site.ts'
import { type Attempt, run } from './attempt.ts'
import { connect, endpoint, startTls } from './connect.ts'
import { ProbeFailure } from './errors.ts'
import type { CheckOf, Probe, ProbeTarget } from './probe.ts'
import { expression } from './tcp.ts'

type HttpCheck = CheckOf<'http'>

/** Succeeds with an accepted status. Without a body rule the body is not read. Redirects are statuses like any other. */
export const probeHttp: Probe<HttpCheck> = (check, target, sockets, signal) =>
  run(check.limits, signal, async (attempt) => {
    const { body } = check
    const rules = body === undefined ? undefined : bodyRules(body)
    const plain = await connect(attempt, check, target, sockets)
    const { tls } = check
    const socket = tls === undefined ? plain : await startTls(attempt, plain, tls, check.host ?? target.address)
    attempt.enter('firstByte')
    const response = await send(attempt, check, target, socket)
    const words = acceptedStatus(attempt, check.status, response)
    if (rules === undefined) return words
    attempt.enter('body')
    return await readBody(attempt, response, rules, words)
  })

function headersOf(check: HttpCheck, target: ProbeTarget): Record<string, string> {
  const usual = check.port === (check.tls === undefined ? 80 : 443)
  const own = usual && target.family === 'ipv4' ? target.address : endpoint(target.address, check.port)
  const host = check.host ?? check.tls?.serverName ?? own
  const headers: Record<string, string> = { host, 'user-agent': 'ipvs-director', connection: 'close' }
  for (const [name, value] of Object.entries(check.headers)) headers[name.toLowerCase()] = value
  return headers
}

function send(attempt: Attempt, check: HttpCheck, target: ProbeTarget, socket: Socket): Promise<IncomingMessage> {
  const { method, path } = check
  const headers = headersOf(check, target)
  const sent = request({ createConnection: () => socket, method, path, headers, setHost: false })
  sent.on('error', (error) => attempt.fail(error))
  const closed = (): void => attempt.fail(new ProbeFailure('closed the connection without a response', false))
  sent.on('close', closed)
  attempt.log('>', `${method} ${path} HTTP/1.1`)
  for (const [name, value] of Object.entries(headers)) attempt.log('>', `${name}: ${value}`)
  return new Promise((resolve) => {
    const answered = (response: IncomingMessage): void => {
      sent.off('close', closed)
      resolve(response)
    }
    sent.on('response', answered)
    sent.on('upgrade', answered)
    sent.end()
  })
}

function acceptedStatus(attempt: Attempt, accepted: readonly PortRange[], response: IncomingMessage): string {
  const status = response.statusCode ?? 0
  attempt.log('<', `HTTP/${response.httpVersion} ${String(status)} ${response.statusMessage ?? ''}`)
  if (accepted.some(({ from, to }) => status >= from && status <= to)) return `status ${String(status)}`
  const ranges = accepted.map(({ from, to }) => (from === to ? String(from) : `${String(from)}-${String(to)}`))
  // 408: the server waited for us in vain.
  throw new ProbeFailure(`status ${String(status)}, not ${ranges.join(', ')}`, status !== 408)
}

interface CompiledRules {
  readonly match: RegExp | undefined
  readonly absent: RegExp | undefined
  readonly maximumBytes: number
}

function bodyRules({ match, absent, maximumBytes }: BodyRule): CompiledRules {
  return {
    match: match === undefined ? undefined : expression(match),
    absent: absent === undefined ? undefined : expression(absent),
    maximumBytes,
  }
}

/** Reads up to `maximumBytes`; the rest of a longer body is not looked at. */
function readBody(attempt: Attempt, response: IncomingMessage, rules: CompiledRules, words: string): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  return new Promise((resolve, reject) => {
    const judge = (): void => {
      const body = Buffer.concat(chunks).subarray(0, rules.maximumBytes)
      attempt.log('<', body)
      const fault = bodyFault(body.toString('utf8'), rules, length > rules.maximumBytes)
      if (fault === undefined) resolve(words)
      else reject(new ProbeFailure(fault))
    }
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length > rules.maximumBytes) {
        response.pause()
        judge()
      }
    })
    response.on('end', judge)
    response.on('error', (error) => attempt.fail(error))
  })
}

function bodyFault(body: string, { match, absent, maximumBytes }: CompiledRules, cut: boolean): string | undefined {
  const where = cut ? `in the first ${String(maximumBytes)} bytes of the body` : 'in the body'
  if (match !== undefined && !match.test(body)) return `no match of \`body.match\` ${where}`
  return absent?.test(body) === true ? `a match of \`body.absent\` ${where}` : undefined
}
