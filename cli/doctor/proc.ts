// Files of /proc for a network namespace: the current one, or another one through nsenter.
import { execFile } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { promisify } from 'node:util'

const sysctlFile = (name: string): string => `/proc/sys/${name.replaceAll('.', '/')}`
const INTERFACES = '/proc/sys/net/ipv4/conf'
const perInterface = ['rp_filter', 'send_redirects'] as const
type PerInterface = (typeof perInterface)[number]
const filesOf = (name: string): string[] => perInterface.map((setting) => `${INTERFACES}/${name}/${setting}`)
const STATUS = '/proc/net/ip_vs_status'
const LEGACY = ['/proc/net/ip_tables_names', '/proc/net/ip6_tables_names']

/** Facts about a network namespace. */
export interface NamespaceFacts {
  /** Values of sysctls by name; unknown to the kernel: absent. */
  readonly sysctls: Readonly<Record<string, string>>
  /** `net.ipv4.conf.*.rp_filter` by interface, including `all` and `default`. */
  readonly reversePath: Readonly<Record<string, string>>
  /** `net.ipv4.conf.*.send_redirects`, likewise. */
  readonly sendRedirects: Readonly<Record<string, string>>
  /** Tables of iptables-legacy in use: `filter`, `mangle`... */
  readonly legacyTables?: readonly string[] | undefined
  /** From `/proc/net/ip_vs_status`: since Linux 7 the service table grows. */
  readonly serviceBuckets?: { readonly count: number; readonly loadFactor: number } | undefined
}

type Files = ReadonlyMap<string, string>

async function readHere(files: readonly string[]): Promise<Files> {
  const interfaces = await readdir(INTERFACES)
  const found = new Map<string, string>()
  for (const file of [...files, ...interfaces.flatMap(filesOf)]) {
    const text = await readFile(file, 'utf8').catch(() => undefined)
    if (text !== undefined) found.set(file, text)
  }
  return found
}

/** nsenter is missing, or cannot enter the namespace. */
export class NoEntry extends Error {}

// Node.js cannot enter a namespace, and /proc/sys shows the namespace of the reading process.
async function readThere(files: readonly string[], netns: string): Promise<Files> {
  const script = `exec grep -sH '' ${filesOf('*').join(' ')} "$@"`
  const words = [`--net=${netns}`, 'sh', '-c', script, 'sh', ...files]
  const ended = await promisify(execFile)('nsenter', words, { maxBuffer: 1 << 26 }).catch((error: unknown) => error)
  const { stdout = '', stderr = '', code } = ended as { stdout?: string; stderr?: string; code?: number | string }
  if (stdout === '') {
    throw new NoEntry(code === 'ENOENT' ? 'nsenter is missing (Debian: util-linux)' : stderr.trim())
  }
  const found = new Map<string, string>()
  for (const line of stdout.split('\n')) {
    const at = line.indexOf(':')
    const file = line.slice(0, at)
    if (at > 0) found.set(file, `${found.get(file) ?? ''}${line.slice(at + 1)}\n`)
  }
  return found
}

/** Parses the line `Service buckets: 16 (4 bits, lfactor -3)`. */
export function serviceBuckets(status: string | undefined): NamespaceFacts['serviceBuckets'] {
  const [, count, loadFactor] = /^Service buckets:\s*(\d+) \(.*lfactor (-?\d+)\)/m.exec(status ?? '') ?? []
  return count === undefined ? undefined : { count: Number(count), loadFactor: Number(loadFactor) }
}

function byInterface(found: Files, setting: PerInterface): Record<string, string> {
  const values: Record<string, string> = {}
  for (const [file, text] of found) {
    const [, name] = /\/conf\/([^/]+)\/\w+$/.exec(file) ?? []
    if (name !== undefined && file.endsWith(`/${setting}`)) values[name] = text.trim()
  }
  return values
}

/** Reads facts about a network namespace, by default the current one. Rejects with `NoEntry`. */
export async function readNamespace(names: readonly string[], netns: string | undefined): Promise<NamespaceFacts> {
  const files = [...names.map(sysctlFile), STATUS, ...LEGACY]
  const found = await (netns === undefined ? readHere(files) : readThere(files, netns))
  const sysctls: Record<string, string> = {}
  for (const name of names) {
    const text = found.get(sysctlFile(name))
    if (text !== undefined) sysctls[name] = text.trim()
  }
  return {
    sysctls,
    reversePath: byInterface(found, 'rp_filter'),
    sendRedirects: byInterface(found, 'send_redirects'),
    serviceBuckets: serviceBuckets(found.get(STATUS)),
    legacyTables: LEGACY.flatMap((file) => (found.get(file) ?? '').split('\n').filter(Boolean)),
  }
}
