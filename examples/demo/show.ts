// Output of the demo.
import type { Ipvs, MarkRule } from 'ipvs'

export function showMarks(rules: readonly MarkRule[]): void {
  for (const rule of rules) {
    console.log(`   mark ${rule.mark}: ${rule.protocol} ${rule.address} ports ${[rule.ports].flat().join(', ')}`)
  }
}

export async function showServices(ipvs: Ipvs): Promise<void> {
  for (const service of await ipvs.listServices()) {
    const name =
      'fwmark' in service ? `FWM  ${service.fwmark}` : `${service.protocol} ${service.address}:${service.port}`
    const persistent = service.persistence ? ` persistent ${service.persistence.timeoutSeconds}` : ''
    console.log(`   ${name} ${service.scheduler}${persistent}`)
    for (const to of await ipvs.listDestinations(service)) {
      const connections = `${to.activeConnections} active, ${to.inactiveConnections} inactive`
      console.log(
        `     -> ${`${to.address}:${to.port}`.padEnd(16)} ${to.forwarding}, weight ${to.weight}, ${connections}`,
      )
    }
  }
}

function address(hex: string): string {
  return (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).join('.')
}

/** Prints /proc/net/ip_vs_conn in readable form. */
export function showConnections(table: string): void {
  console.log('   connection table:')
  for (const line of table.split('\n').slice(1)) {
    const [protocol, from, fromPort, to, toPort, server, , state, expires] = line.split(/\s+/)
    if (!protocol || !from || !fromPort || !to || !toPort || !server) continue
    const port = Number.parseInt(toPort, 16)
    const what =
      protocol === 'IP'
        ? `template: ${address(from)}, mark ${Number.parseInt(to, 16)}`
        : `${address(from)}:${Number.parseInt(fromPort, 16)} -> ${address(to)}:${port}`
    console.log(
      `     ${protocol.padEnd(4)} ${what.padEnd(42)} -> ${address(server).padEnd(10)} ${state} (${expires} s)`,
    )
  }
}
