// What an importer asks of its host: names of hosts and services, scripts.
import type { ImportContext, Imported, Importer, ServiceTree, SiteTree } from './imported.ts'
import { portsOf } from './virtuals.ts'

/** What the packet filter of the host does. */
export interface ForeignRules extends Pick<ImportContext, 'marked'> {
  /** It masquerades connections from the servers' port 20. */
  readonly activeFtp: boolean
}

/** Names that an importer asked for. */
export interface Asked {
  readonly addresses: ReadonlySet<string>
  readonly programs: ReadonlySet<string>
  /** Patterns of files. */
  readonly includes: ReadonlySet<string>
}

/** Names and numbers of a text in the form of /etc/services. TCP and UDP have the same numbers there. */
export function servicePorts(text: string): ReadonlyMap<string, number> {
  const ports = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, name, port, aliases = ''] = /^([^\s#]+)\s+(\d+)\/(?:tcp|udp)([^#]*)/.exec(line) ?? []
    if (name === undefined) continue
    for (const each of [name, ...aliases.split(/\s+/)]) {
      if (each !== '' && !ports.has(each)) ports.set(each, Number(port))
    }
  }
  return ports
}

const remember =
  (set: Set<string>) =>
  (name: string): undefined => {
    set.add(name)
  }

/** Runs an importer to learn what it asks for. `known`: files that were included so far, which may include more. */
export function askedNames(
  importer: Importer,
  text: string,
  rules: ForeignRules,
  known: ReadonlyMap<string, readonly string[]>,
): Asked {
  const addresses = new Set<string>()
  const programs = new Set<string>()
  const includes = new Set<string>()
  const include = (pattern: string): readonly string[] | undefined => {
    includes.add(pattern)
    return known.get(pattern)
  }
  importer(text, {
    address: remember(addresses),
    program: remember(programs),
    include,
    port: () => 1,
    marked: rules.marked,
  })
  return { addresses, programs, includes }
}

/** The answers to what was asked. */
export interface Answers extends ForeignRules {
  readonly addresses: ReadonlyMap<string, string>
  readonly programs: ReadonlyMap<string, string>
  readonly includes: ReadonlyMap<string, readonly string[]>
  readonly ports: ReadonlyMap<string, number>
}

/** Services with the FTP port behind masquerade: the packet filter's masquerade of port 20 is a setting of theirs. */
function withActiveFtp(site: SiteTree): SiteTree {
  const services = Object.entries(site.services).map(([name, service]): [string, ServiceTree] => {
    const forwarding = service.forwarding ?? site.defaults?.forwarding
    const isFtp = forwarding === 'masquerade' && portsOf(service.virtual).includes(21)
    return [name, isFtp ? { ...service, ftp: { active: true } } : service]
  })
  return { ...site, services: Object.fromEntries(services) }
}

/** Runs an importer with the answers. */
export function importWith(
  importer: Importer,
  text: string,
  { addresses, programs, includes, ports, marked, activeFtp }: Answers,
): Imported {
  const { site, remarks } = importer(text, {
    address: (name) => addresses.get(name),
    port: (name) => ports.get(name),
    program: (path) => programs.get(path),
    include: (pattern) => includes.get(pattern),
    marked,
  })
  return { site: activeFtp ? withActiveFtp(site) : site, remarks }
}
