// The Debian mirrors of this machine, from /etc/apt, so that a machine behind a mirror needs no further configuration.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** One archive and the key of its signature. */
export interface Mirror {
  readonly uri: string
  readonly signedBy: string | undefined
  readonly trusted: boolean
}

/** The two archives of a release. */
export interface MirrorPair {
  readonly main: Mirror
  readonly security: Mirror
}

interface AptSource {
  readonly uris: readonly string[]
  readonly suites: readonly string[]
  readonly components: readonly string[]
  readonly signedBy: string | undefined
  readonly trusted: boolean
}

/** Debian's own key file, in the package debian-archive-keyring. */
export const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

const publicMirror = 'http://deb.debian.org'
const archiveMirror = 'http://archive.debian.org'

/**
 * Mirrors to try, best first: the machine's own, the public one, and the archive of old releases.
 * `codename` is the Debian release of this machine; undefined on other systems (Ubuntu), whose mirrors lack Debian's kernels.
 */
export function mirrorCandidates(codename: string | undefined, aptFolder = '/etc/apt'): MirrorPair[] {
  const fallback = publicPair(publicMirror)
  const pairs = [fallback, publicPair(archiveMirror)]
  if (codename === undefined) return pairs
  const sources = readAptSources(aptFolder)
  const main = findMirror(sources, [codename, 'stable', 'testing', 'unstable', 'sid'])
  const security = findMirror(sources, [`${codename}-security`, `${codename}/updates`, 'stable-security'])
  if (main === undefined) return pairs
  return [{ main, security: security ?? fallback.security }, ...pairs]
}

function publicPair(host: string): MirrorPair {
  const mirror = (folder: string): Mirror => ({
    uri: `${host}/${folder}`,
    signedBy: existsSync(debianKeyring) ? debianKeyring : undefined,
    trusted: false,
  })
  return { main: mirror('debian'), security: mirror('debian-security') }
}

/** Requires the component "main": other vendors' archives use the names of Debian's suites as well. */
function findMirror(sources: readonly AptSource[], suites: readonly string[]): Mirror | undefined {
  for (const source of sources) {
    const uri = source.uris[0]
    const isDebian = source.components.includes('main') && source.suites.some((suite) => suites.includes(suite))
    if (uri === undefined || !isDebian) continue
    // Apt accepts any key of the machine for an entry without key; here only Debian's.
    const signedBy = source.signedBy ?? (existsSync(debianKeyring) ? debianKeyring : undefined)
    return { uri: uri.replace(/\/+$/, ''), signedBy, trusted: source.trusted }
  }
  return undefined
}

/** Reads both formats of apt's sources. */
export function readAptSources(aptFolder: string): AptSource[] {
  const parts = path.join(aptFolder, 'sources.list.d')
  const names = existsSync(parts) ? readdirSync(parts).toSorted() : []
  const files = [path.join(aptFolder, 'sources.list'), ...names.map((name) => path.join(parts, name))]
  return files.flatMap((file) => {
    if (!existsSync(file)) return []
    if (file.endsWith('.sources')) return parseDeb822(readFileSync(file, 'utf8'))
    return file.endsWith('.list') ? parseOneLine(readFileSync(file, 'utf8')) : []
  })
}

function parseDeb822(text: string): AptSource[] {
  const withoutComments = text.replaceAll(/^#.*\n?/gm, '')
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string | undefined =>
      new RegExp(String.raw`^${name}:((?:.*)(?:\n[ \t].*)*)`, 'im').exec(stanza)?.[1]?.trim()
    const words = (name: string): string[] => (field(name) ?? '').split(/\s+/).filter((word) => word !== '')
    if (!words('Types').includes('deb') || field('Enabled')?.toLowerCase() === 'no') return []
    const signedBy = field('Signed-By')
    return [
      {
        uris: words('URIs'),
        suites: words('Suites'),
        components: words('Components'),
        // A key embedded in the file has no path to reuse.
        signedBy: signedBy?.startsWith('/') === true ? signedBy : undefined,
        trusted: field('Trusted')?.toLowerCase() === 'yes',
      },
    ]
  })
}

function parseOneLine(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line)
    const [, options = '', uri, suite, components] = match ?? []
    if (uri === undefined || suite === undefined || components === undefined) return []
    const option = (name: string): string | undefined => new RegExp(`(?:^|\\s)${name}=(\\S+)`, 'i').exec(options)?.[1]
    return [
      {
        uris: [uri],
        suites: [suite],
        components: components.trim().split(/\s+/),
        signedBy: option('signed-by'),
        trusted: option('trusted') === 'yes',
      },
    ]
  })
}
