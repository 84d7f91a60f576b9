// The command that makes a firewall accept dropped packets, in the syntax of the firewall.
import type { DroppedBy, TracePacket } from 'ipvs'

// Chains of iptables: changed by iptables, so that its listings stay complete.
const ofIptables = (place: DroppedBy): string | undefined => {
  const programs: Readonly<Record<string, string>> = { ip: 'iptables-nft', ip6: 'ip6tables-nft' }
  const builtIn = /^(PREROUTING|INPUT|FORWARD|OUTPUT)$/.test(place.base)
  return builtIn && /^(filter|mangle|raw)$/.test(place.table) ? programs[place.family] : undefined
}

const familyOf = (packet: TracePacket): 'ipv4' | 'ipv6' =>
  (packet.destination ?? packet.source ?? '').includes(':') ? 'ipv6' : 'ipv4'

function iptables(program: string, { table, base }: DroppedBy, packet: TracePacket): string {
  const { protocol, source, destination, sourcePort, destinationPort } = packet
  const words = [
    ...(table === 'filter' ? [] : ['-t', table]),
    '-I',
    base,
    ...(source === undefined ? [] : ['-s', source]),
    ...(destination === undefined ? [] : ['-d', destination]),
    '-p',
    String(protocol),
    ...(sourcePort === undefined ? [] : ['--sport', String(sourcePort)]),
    ...(destinationPort === undefined ? [] : ['--dport', String(destinationPort)]),
  ]
  return `${program} ${words.join(' ')} -j ACCEPT`
}

function nft({ family, table, base }: DroppedBy, packet: TracePacket): string {
  const { protocol, source, destination, sourcePort, destinationPort } = packet
  const header = familyOf(packet) === 'ipv6' ? 'ip6' : 'ip'
  const transport = typeof protocol === 'string' ? protocol : undefined
  const ports = [
    ...(sourcePort === undefined ? [] : [`${transport} sport ${sourcePort}`]),
    ...(destinationPort === undefined ? [] : [`${transport} dport ${destinationPort}`]),
  ]
  const words = [
    ...(source === undefined ? [] : [`${header} saddr ${source}`]),
    ...(destination === undefined ? [] : [`${header} daddr ${destination}`]),
    ...(transport === undefined || ports.length === 0 ? [`meta l4proto ${protocol}`] : ports),
  ]
  return `nft insert rule ${family} ${table} ${base} ${words.join(' ')} accept`
}

// Tables of firewalld are changed by firewall-cmd. Zone `trusted` accepts packets from real servers.
function firewalld(packet: TracePacket): string {
  const { source, destination, destinationPort, protocol } = packet
  if (source !== undefined) return `firewall-cmd --zone=trusted --add-source=${source}`
  const port =
    destinationPort === undefined
      ? `protocol value="${protocol}"`
      : `port port="${destinationPort}" protocol="${protocol}"`
  return `firewall-cmd --add-rich-rule='rule family="${familyOf(packet)}" destination address="${destination}" ${port} accept'`
}

export function acceptCommand(place: DroppedBy, packet: TracePacket): string {
  if (place.table === 'firewalld') return firewalld(packet)
  const program = ofIptables(place)
  return program === undefined ? nft(place, packet) : iptables(program, place, packet)
}
