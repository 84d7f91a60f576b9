// The demo's network: client, director and two real servers, each a network namespace, on one virtual switch.
//
//   client 172.16.0.50 ──┐
//   director 172.16.0.1 ─┼── switch ──┬─ server-7  10.0.0.7   (VIP 172.16.0.100 on lo, silent to ARP)
//     VIP 172.16.0.100 ──┘            └─ server-17 10.0.0.17  (the same)
//
// Direct routing: requests pass the director, replies go from the servers straight to the client.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export const vip = '172.16.0.100'
export const servers = [
  { name: 'server-7', address: '10.0.0.7' },
  { name: 'server-17', address: '10.0.0.17' },
] as const

export class Network {
  readonly #prefix: string
  readonly #made: string[] = []

  constructor(prefix: string = `ipvs-demo-${process.pid}`) {
    this.#prefix = prefix
  }

  /** The full name of a namespace, for `ip netns exec`. */
  namespace(name: string): string {
    return `${this.#prefix}-${name}`
  }

  /** Where the kernel shows the namespace, for `Ipvs.open({ netns })`. */
  path(name: string): string {
    return `/run/netns/${this.namespace(name)}`
  }

  async build(): Promise<void> {
    await this.#add('switch')
    await this.#inside('switch', 'ip link add br0 type bridge', 'ip link set br0 up')
    await this.#host('client', '172.16.0.50/24')
    await this.#host('director', '172.16.0.1/24', '10.0.0.1/24', `${vip}/32`)
    for (const { name, address } of servers) {
      await this.#host(name, `${address}/24`)
      // Only the director may answer ARP requests for the VIP; the servers still accept packets to it.
      await this.#inside(
        name,
        'echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore',
        'echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce',
        `ip address add ${vip}/32 dev lo`,
        'ip route add 172.16.0.0/24 dev eth0',
      )
    }
  }

  async destroy(): Promise<void> {
    for (const name of this.#made.splice(0).toReversed()) {
      await execute('ip', ['netns', 'delete', this.namespace(name)])
    }
  }

  async #add(name: string): Promise<void> {
    await execute('ip', ['netns', 'add', this.namespace(name)])
    this.#made.push(name)
    await this.#inside(name, 'ip link set lo up')
  }

  /** A namespace with one interface on the switch. */
  async #host(name: string, ...addresses: readonly string[]): Promise<void> {
    await this.#add(name)
    const port = `port-${name}`.slice(0, 15)
    await this.#inside(
      'switch',
      `ip link add ${port} type veth peer name eth0 netns ${this.namespace(name)}`,
      `ip link set ${port} master br0 up`,
    )
    await this.#inside(name, ...addresses.map((address) => `ip address add ${address} dev eth0`), 'ip link set eth0 up')
  }

  async #inside(name: string, ...commands: readonly string[]): Promise<void> {
    await execute('ip', ['netns', 'exec', this.namespace(name), 'sh', '-ec', commands.join('\n')])
  }
}
