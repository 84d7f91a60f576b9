// Errors of sockets and files: whose fault they are, and their words.

/** Thrown inside a probe: the server failed. */
export class ProbeFailure extends Error {
  /** The server's own word, not silence. */
  readonly answered: boolean

  constructor(words: string, answered = true) {
    super(words)
    this.answered = answered
  }
}

/** Thrown inside a probe: nothing can be said of the server. */
export class ProbeVoid extends Error {}

/** This host lacks descriptors, memory, ports or permission. */
const ours = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRNOTAVAIL',
  'EADDRINUSE',
  'EACCES',
  'EPERM',
  'EAGAIN',
  'ENODEV',
])

const wordsOf: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed while sending',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'the host does not answer',
  EMFILE: 'this process has no free descriptor',
  ENFILE: 'this host has no free descriptor',
  ENOBUFS: 'this host has no free buffer',
  ENOMEM: 'this host has no free memory',
  EADDRNOTAVAIL: 'no free local port, or the local address is not on this host',
  EADDRINUSE: 'the local address is in use',
  EACCES: 'this process may not do it',
  EPERM: 'this process may not do it, or a packet filter of this host refuses it',
  ENODEV: 'no such network device',
}

/** `''` when the error has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** The prober's host is at fault, the check itself is invalid for Node.js, or it is a bug here: errors of sockets have codes. */
export function isOurs(error: unknown): boolean {
  if (error instanceof ProbeFailure) return false
  const code = codeOf(error)
  if (code === '' || ours.has(code)) return true
  // ERR_IPVS: the addon could not make the socket.
  return (
    code.startsWith('ERR_INVALID') ||
    code.startsWith('ERR_IPVS') ||
    code === 'ERR_UNESCAPED_CHARACTERS' ||
    code === 'ERR_SOCKET_BAD_PORT'
  )
}

/** The peer said it: a refusal, or a complete answer of the wrong content. */
export function isAnswer(error: unknown): boolean {
  return error instanceof ProbeFailure ? error.answered : codeOf(error) === 'ECONNREFUSED'
}

export function errorWords(error: unknown): string {
  const code = codeOf(error)
  const known = wordsOf[code]
  if (known !== undefined) return `${known} (${code})`
  const reason = tlsReason(error)
  if (reason !== undefined) return `TLS: ${printable(reason)}`
  const message = error instanceof Error ? error.message : String(error)
  return printable(message === '' ? code : message, 300)
}

/** OpenSSL's reason; its message has a number that differs from process to process. */
function tlsReason(error: unknown): string | undefined {
  const found = error instanceof Error && 'reason' in error && 'library' in error ? error.reason : undefined
  return typeof found === 'string' ? found : undefined
}

/** One line: control characters as escapes, cut at `maximum` characters. */
export function printable(text: string, maximum = 200): string {
  const escaped = text.slice(0, maximum).replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\\]/gu, escapeOf)
  return text.length > maximum ? `${escaped}...` : escaped
}

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return shortEscapes[character] ?? (code < 256 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`)
}

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0')
