// tcp: a connection; with `send` and `expect` one exchange; with `tls` over TLS.
import { run } from './attempt.ts'
import { connect, startTls } from './connect.ts'
import { Conversation } from './conversation.ts'
import { ProbeVoid } from './errors.ts'
import type { CheckOf, Probe } from './probe.ts'

/** Succeeds when the connection is there, or when `expect` matches. */
export const probeTcp: Probe<CheckOf<'tcp'>> = (check, target, sockets, signal) =>
  run(check.limits, signal, async (attempt) => {
    const { send, expect, tls } = check
    if (send === undefined && expect === undefined) {
      const socket = await connect(attempt, check, target, sockets)
      if (tls === undefined) return 'connected'
      await startTls(attempt, socket, tls, target.address)
      return 'connected with TLS'
    }
    const pattern = expect === undefined ? undefined : expression(expect)
    const talk = await Conversation.open(attempt, check, target, sockets)
    if (send !== undefined) talk.send(unescaped(send))
    if (pattern === undefined) await talk.take((received) => received.length)
    else await talk.expectMatch(pattern)
    return pattern === undefined ? 'answered' : 'answered as expected'
  })

/** Void when it is no regular expression: the site's validation has let it pass. */
export function expression(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch {
    throw new ProbeVoid(`"${text}" is no regular expression`)
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

/** The bytes of a text with the escapes of JSON: `\r`, `\n`, `\u0000`. A character up to U+00FF in `\u` is one byte. */
export function unescaped(text: string): Buffer {
  const parts: Buffer[] = []
  for (const [whole, escape] of text.matchAll(/\\(u[0-9a-fA-F]{4}|.)|[^\\]+|\\$/gs)) {
    if (escape === undefined) parts.push(Buffer.from(whole, 'utf8'))
    else
      parts.push(
        escape.length === 5 ? character(Number.parseInt(escape.slice(1), 16)) : Buffer.from(escapes[escape] ?? escape),
      )
  }
  return Buffer.concat(parts)
}

const character = (code: number): Buffer =>
  code < 256 ? Buffer.from([code]) : Buffer.from(String.fromCodePoint(code), 'utf8')
