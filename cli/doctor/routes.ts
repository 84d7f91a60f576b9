// Interfaces and routes of a network namespace, read with `ip` of iproute2.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Interface {
  readonly name: string
  readonly mtu: number
  readonly loopback: boolean
  readonly addresses: readonly string[]
}

/** Route to an address. */
export interface Route {
  readonly device: string
  /** The next router; absent if the address is on the link. */
  readonly gateway?: string | undefined
  /** MTU of the route, or the learned path MTU; absent: the MTU of the device. */
  readonly mtu?: number | undefined
  /** The address is local. */
  readonly local: boolean
}

export interface RouteFacts {
  readonly interfaces: readonly Interface[]
  /** By destination address; addresses without a route are absent. */
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

/** Parses the output of `ip -j -batch`: one line of JSON for each command with output. */
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

/** Reads interfaces, and routes to these addresses. `undefined`: `ip` is missing. */
export async function readRoutes(
  addresses: readonly string[],
  netns: string | undefined,
): Promise<RouteFacts | undefined> {
  const words = ['ip', '-j', '-force', '-batch', '-']
  const [program = '', ...rest] = netns === undefined ? words : ['nsenter', `--net=${netns}`, ...words]
  const commands = ['addr show', 'route show default', ...addresses.map((address) => `route get ${address}`)]
  const running = promisify(execFile)(program, rest, { maxBuffer: 1 << 28 })
  running.child.stdin?.on('error', () => undefined).end(`${commands.join('\n')}\n`) // ip may end before it has read all input
  // An address without a route results in status 1.
  const { stdout = '' } = (await running.catch((error: unknown) => error)) as { stdout?: string }
  return stdout === '' ? undefined : parseRoutes(stdout)
}
