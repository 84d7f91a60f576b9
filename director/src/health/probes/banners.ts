// smtp, ftp, imap, pop: lines of text, with a greeting, and TLS on request.
import type { Sockets } from './probe.ts'
import { run } from './attempt.ts'
import { Conversation } from './conversation.ts'
import { ProbeFailure } from './errors.ts'
import type { BannerCheck, Probe, ProbeTarget } from './probe.ts'

/** What a protocol says after the connection. Returns the words of the success. */
export type Dialogue = (talk: Conversation, startTls: () => Promise<void>, wantsTls: boolean) => Promise<string>

/** Connects, with TLS at once unless `startTls` is set, and talks. */
export function probeBanner(dialogue: Dialogue): Probe<BannerCheck> {
  return (check: BannerCheck, target: ProbeTarget, sockets: Sockets | undefined, signal: AbortSignal) =>
    run(check.limits, signal, async (attempt) => {
      const talk = await Conversation.open(attempt, check, target, sockets, !check.startTls)
      const settings = check.tls ?? defaultTls
      return await dialogue(talk, () => talk.startTls(settings), check.startTls)
    })
}

/** `startTls` without `tls`: the certificate is verified against the address. */
const defaultTls = {
  serverName: undefined,
  verify: true,
  ca: undefined,
  certificate: undefined,
  key: undefined,
  minimumDaysValid: 0,
}

/** A reply of SMTP or FTP: `220 ...`, or from `220-...` to `220 ...` with any lines between. Its code must match. */
async function reply(talk: Conversation, code: RegExp, what: string): Promise<void> {
  const first = await talk.expectLine(/^\d{3}(?:[ -]|$)/, `no reply to ${what}`)
  let line = first
  while (first[3] === '-' && !line.startsWith(`${first.slice(0, 3)} `)) line = await talk.line()
  if (!code.test(line)) throw new ProbeFailure(`${what}: "${line.slice(0, 150)}"`)
}

/** Greeting 220, EHLO, STARTTLS, QUIT. */
export const probeSmtp: Probe<BannerCheck> = probeBanner(async (talk, startTls, wantsTls) => {
  await reply(talk, /^220/, 'greeting')
  talk.send('EHLO ipvs-director\r\n')
  await reply(talk, /^250/, 'EHLO')
  if (wantsTls) {
    talk.send('STARTTLS\r\n')
    await reply(talk, /^220/, 'STARTTLS')
    await startTls()
    talk.send('EHLO ipvs-director\r\n')
    await reply(talk, /^250/, 'EHLO')
  }
  talk.send('QUIT\r\n')
  return 'greeting and EHLO accepted'
})

/** Greeting 220, AUTH TLS, QUIT. */
export const probeFtp: Probe<BannerCheck> = probeBanner(async (talk, startTls, wantsTls) => {
  await reply(talk, /^220/, 'greeting')
  if (wantsTls) {
    talk.send('AUTH TLS\r\n')
    await reply(talk, /^234/, 'AUTH TLS')
    await startTls()
  }
  talk.send('QUIT\r\n')
  await reply(talk, /^221/, 'QUIT')
  return 'greeting and QUIT accepted'
})

/** Greeting, STARTTLS, NOOP, LOGOUT. */
export const probeImap: Probe<BannerCheck> = probeBanner(async (talk, startTls, wantsTls) => {
  await talk.expectLine(/^\* (?:OK|PREAUTH)\b/i, 'greeting')
  if (wantsTls) {
    talk.send('a1 STARTTLS\r\n')
    await tagged(talk, 'a1', 'STARTTLS')
    await startTls()
  }
  talk.send('a2 NOOP\r\n')
  await tagged(talk, 'a2', 'NOOP')
  talk.send('a3 LOGOUT\r\n')
  return 'greeting and NOOP accepted'
})

async function tagged(talk: Conversation, tag: string, what: string): Promise<void> {
  for (;;) {
    const line = await talk.line()
    if (line.startsWith('* ')) continue
    if (line.toUpperCase().startsWith(`${tag.toUpperCase()} OK`)) return
    throw new ProbeFailure(`${what}: "${line.slice(0, 150)}"`)
  }
}

/** Greeting, STLS, QUIT. */
export const probePop: Probe<BannerCheck> = probeBanner(async (talk, startTls, wantsTls) => {
  await talk.expectLine(/^\+OK/, 'greeting')
  if (wantsTls) {
    talk.send('STLS\r\n')
    await talk.expectLine(/^\+OK/, 'STLS')
    await startTls()
  }
  talk.send('QUIT\r\n')
  await talk.expectLine(/^\+OK/, 'QUIT')
  return 'greeting and QUIT accepted'
})

/** PING. A server that wants a password first answers too; one that loads its data or lost its master does not serve. */
export const probeRedis: Probe<BannerCheck> = probeBanner(async (talk, startTls, wantsTls) => {
  if (wantsTls) await startTls()
  talk.send('PING\r\n')
  const line = await talk.expectLine(/^(?:\+PONG|-NOAUTH|-NOPERM)/, 'PING')
  return line.startsWith('+') ? 'PONG' : 'answered, and wants a password'
})
