// Interfaces and routes of a network namespace, as `ip` of iproute2 tells them.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Interface {
  readonly name: string
  readonly mtu: number
  readonly loopback: boolean
  readonly addresses: readonly string[]
}

/** How packets get to an address. */
export interface Route {
  readonly device: string
  /** The router that they are handed to; absent where the address is on the link. */
  readonly gateway?: string | undefined
  /** Of the route itself, or what the kernel has learnt of the path; absent: that of the device. */
  readonly mtu?: number | undefined
  /** It is an address of this very machine. */
  readonly local: boolean
}

export interface RouteFacts {
  readonly interfaces: readonly Interface[]
  /** By the address that they lead to; those that have none are absent. */
  readonly routes: Readonly<Record<string, Route>>
  /** Interfaces of the default routes of IPv4. */
  readonly defaultDevices: readonly string[]
}

interface Printed {
  readonly type?: string
  readonly ifname?: string
  readonly mtu?: number
  readonly flags?: readonly string[]
  readonly addr_info?: readonly { readonly local?: string }[]
  readonly dst?: string
  readonly dev?: string
  readonly gateway?: string
  readonly metrics?: readonly { readonly mtu?: number }[]
}

function toInterface({ ifname = '', mtu = 0, flags = [], addr_info = [] }: Printed): Interface {
  const addresses = addr_info.flatMap(({ local }) => local ?? [])
  return { name: ifname, mtu, loopback: flags.includes('LOOPBACK'), addresses }
}

const mtuOf = (metrics: Printed['metrics'] = []): number | undefined =>
  metrics.find(({ mtu }) => mtu !== undefined)?.mtu

/** Makes facts of what `ip -j -batch` prints, a line of JSON for each command that had something to say. */
export function parseRoutes(text: string): RouteFacts {
  const lines = text.split('\n').filter((line) => line.startsWith('['))
  const all = lines.flatMap((line) => JSON.parse(line) as Printed[])
  const routes = all.flatMap(({ type, dst, dev, gateway, metrics }) =>
    dst === undefined || dst === 'default' || dev === undefined
      ? []
      : [[dst, { device: dev, gateway, mtu: mtuOf(metrics), local: type === 'local' }] as const],
  )
  return {
    interfaces: all.filter(({ ifname }) => ifname !== undefined).map(toInterface),
    routes: Object.fromEntries(routes),
    defaultDevices: all.flatMap(({ dst, dev }) => (dst === 'default' && dev !== undefined ? [dev] : [])),
  }
}

/** Asks for the routes to these addresses. `undefined`: there is no `ip` here. */
export async function readRoutes(
  addresses: readonly string[],
  netns: string | undefined,
): Promise<RouteFacts | undefined> {
  const words = ['ip', '-j', '-force', '-batch', '-']
  const [program = '', ...rest] = netns === undefined ? words : ['nsenter', `--net=${netns}`, ...words]
  const questions = ['addr show', 'route show default', ...addresses.map((address) => `route get ${address}`)]
  const asked = promisify(execFile)(program, rest, { maxBuffer: 1 << 28 })
  asked.child.stdin?.on('error', () => undefined).end(`${questions.join('\n')}\n`) // it may end before it has read all
  // An address without a route makes its status 1.
  const { stdout = '' } = (await asked.catch((error: unknown) => error)) as { stdout?: string }
  return stdout === '' ? undefined : parseRoutes(stdout)
}
