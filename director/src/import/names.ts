// Names of services and servers: one name is one server, and a file of another program may call two servers the same.

const LONGEST = 63

/** The nearest name that a site allows: letters, digits, `.`, `_` and `-`. */
export function siteName(text: string): string {
  const name = text.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '')
  return (name === '' ? 'x' : name).slice(0, LONGEST)
}

function numbered(name: string, taken: (name: string) => boolean): string {
  for (let number = 2; ; number++) {
    const end = `-${number}`
    const candidate = name.slice(0, LONGEST - end.length) + end
    if (!taken(candidate)) return candidate
  }
}

/** A name that is not among `taken`, as near as possible. */
export function freeName(text: string, taken: ReadonlySet<string>): string {
  const name = siteName(text)
  return taken.has(name) ? numbered(name, (other) => taken.has(other)) : name
}

/** Names of the servers of a site. A server has one name in all of its services. */
export class ServerNames {
  readonly #byAddress = new Map<string, string>()
  readonly #owners = new Map<string, string>()

  /**
   * The name of a server: its known one, else `wanted`, else the address. `inService` has the names of the service's servers
   * and gets this one.
   */
  name(address: string, wanted: string | undefined, inService: Set<string>): string {
    const isFree = (name: string): boolean => !inService.has(name) && (this.#owners.get(name) ?? address) === address
    const known = this.#byAddress.get(address)
    const names = [known, wanted ?? address, `${wanted ?? 'server'}-${address}`].filter((name) => name !== undefined)
    const found = names.map(siteName).find(isFree)
    const name = found ?? numbered(siteName(wanted ?? address), (other) => !isFree(other))
    inService.add(name)
    this.#owners.set(name, address)
    if (!this.#byAddress.has(address)) this.#byAddress.set(address, name)
    return name
  }
}
