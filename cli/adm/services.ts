// Port names, from /etc/services.
import { readFileSync } from 'node:fs'

interface Names {
  readonly portOf: ReadonlyMap<string, number>
  readonly nameOf: ReadonlyMap<string, string>
}

/** Parses the format of /etc/services: `http 80/tcp www # comment`. The first entry wins. */
export function parseServices(text: string): Names {
  const portOf = new Map<string, number>()
  const nameOf = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [name, number, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/)
    const [, port, protocol] = /^(\d+)\/(\S+)$/.exec(number ?? '') ?? []
    if (name === undefined || port === undefined || protocol === undefined) continue
    const key = `${port}/${protocol}`
    if (!nameOf.has(key)) nameOf.set(key, name)
    for (const each of [name, ...aliases]) {
      for (const known of [`${each}/${protocol}`, `${each}/`]) if (!portOf.has(known)) portOf.set(known, Number(port))
    }
  }
  return { portOf, nameOf }
}

let known: Names | undefined

// Reads the file on first use: most command lines have no names.
function names(): Names {
  if (known !== undefined) return known
  let text = ''
  try {
    text = readFileSync('/etc/services', 'utf8')
  } catch {
    // No file, no names.
  }
  known = parseServices(text)
  return known
}

/** The port of a name; without a protocol, for any protocol. */
export function servicePort(name: string, protocol: string | undefined): number | undefined {
  return names().portOf.get(`${name}/${protocol ?? ''}`)
}

/** The name of a port. */
export function serviceName(port: number, protocol: string): string | undefined {
  return names().nameOf.get(`${port}/${protocol}`)
}
