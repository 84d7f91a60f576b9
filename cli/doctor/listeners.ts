// Listening sockets of the director, read with `ss` of iproute2.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Listener {
  readonly protocol: 'tcp' | 'udp'
  /** `*`: every address. */
  readonly address: string
  readonly port: number
}

const EVERY = new Set(['*', '0.0.0.0', '[::]'])

/** Parses the lines of `ss -Hlntu`. */
export function parseListeners(text: string): Listener[] {
  return text.split('\n').flatMap((line) => {
    const [protocol, , , , local = ''] = line.split(/\s+/)
    const [, address = '', port] = /^(.+?)(?:%[^:]+)?:(\d+)$/.exec(local) ?? []
    if ((protocol !== 'tcp' && protocol !== 'udp') || port === undefined) return []
    const plain = EVERY.has(address) ? '*' : address.replaceAll(/[[\]]/g, '')
    return [{ protocol, address: plain, port: Number(port) }]
  })
}

/** `undefined`: `ss` failed or is missing. */
export async function readListeners(netns: string | undefined): Promise<Listener[] | undefined> {
  const words = ['ss', '-Hlntu']
  const [program = '', ...rest] = netns === undefined ? words : ['nsenter', `--net=${netns}`, ...words]
  const result = await promisify(execFile)(program, rest, { maxBuffer: 1 << 28 }).catch(() => undefined)
  return result === undefined ? undefined : parseListeners(result.stdout)
}
