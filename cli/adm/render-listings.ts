// Listings of connections, timeouts and daemons in ipvsadm's format.
import type { Connection, ListedSyncDaemon, Timeouts } from 'ipvs'
import type { Names } from './names.ts'
import { formatIpv4 } from './values.ts'

/** The two heading lines of a connection listing. */
export function connectionHeadings(engines: boolean): string {
  const columns = 'pro expire state       source             virtual            destination'
  return `IPVS connection entries\n${columns}${engines ? '        pe name          pe_data' : ''}\n`
}

// ipvsadm prints the mark of a template as its virtual address: in IPv6 in the first two groups.
function virtualEnd({ virtual, fwmark = 0, client, protocol }: Connection, names: Names): string {
  if (virtual !== undefined) return names.endpoint(virtual.address, virtual.port, protocol)
  if (!client.address.includes(':')) return names.endpoint(formatIpv4(fwmark), 0)
  const [high, low] = [(fwmark >>> 16).toString(16), (fwmark & 0xffff).toString(16)]
  return names.endpoint(low === '0' ? `${high}::` : `${high}:${low}::`, 0)
}

const protocolNames: Readonly<Record<string, string>> = { icmpv6: 'ICMPv6' }

/** The line of a connection. */
export function connectionLine(connection: Connection, names: Names, engines: boolean): string {
  const { protocol, state, client, destination, expiresSeconds: expires, persistenceEngine: engine } = connection
  const clock = [Math.floor(expires / 60), expires % 60].map((part) => String(part).padStart(2, '0')).join(':')
  const end = names.endpoint(destination.address, destination.port, protocol)
  const line = [
    (protocolNames[protocol] ?? protocol.toUpperCase()).padEnd(3),
    `${clock.padEnd(6)} ${state.padEnd(11)}`,
    names.endpoint(client.address, client.port, protocol).padEnd(18),
    virtualEnd(connection, names).padEnd(18),
  ].join(' ')
  if (!engines || engine === undefined) return `${line} ${end}\n`
  return `${line} ${end.padEnd(16)} ${engine.name.padEnd(18)} ${engine.data}\n`
}

/** All addresses of a connection. */
export function addressesOf({ client, virtual, destination }: Connection): string[] {
  return [client.address, destination.address, ...(virtual === undefined ? [] : [virtual.address])]
}

export function renderTimeouts({ tcpSeconds, tcpFinSeconds, udpSeconds }: Timeouts): string {
  return `Timeout (tcp tcpfin udp): ${tcpSeconds} ${tcpFinSeconds} ${udpSeconds}\n`
}

export function renderDaemons(daemons: readonly ListedSyncDaemon[]): string {
  return daemons
    .map(({ role, interface: name, syncId, maxLength, multicast: { group, port, ttl } }) => {
      const where = `maxlen=${maxLength}, group=${group}, port=${port}, ttl=${ttl}`
      return `${role} sync daemon (mcast=${name}, syncid=${syncId}, ${where})\n`
    })
    .join('')
}
