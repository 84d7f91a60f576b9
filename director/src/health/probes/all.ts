// The probe of each kind.
import type { Check } from '../../site/site.ts'
import { probeAgent } from './agent.ts'
import { probeFtp, probeImap, probePop, probeRedis, probeSmtp } from './banners.ts'
import { probeCommand } from './command.ts'
import { probeLdap, probeMysql, probePostgres } from './databases.ts'
import { probeDns } from './dns.ts'
import { probeFile } from './file.ts'
import { probeGrpc } from './grpc.ts'
import { probeHttp } from './http.ts'
import { probePing } from './ping.ts'
import type { Probe } from './probe.ts'
import { probeTcp } from './tcp.ts'
import { probeUdp } from './udp.ts'

const probes = {
  tcp: probeTcp,
  http: probeHttp,
  dns: probeDns,
  udp: probeUdp,
  ping: probePing,
  smtp: probeSmtp,
  ftp: probeFtp,
  imap: probeImap,
  pop: probePop,
  redis: probeRedis,
  mysql: probeMysql,
  postgres: probePostgres,
  ldap: probeLdap,
  grpc: probeGrpc,
  command: probeCommand,
  agent: probeAgent,
  file: probeFile,
} satisfies { [Kind in Check['kind']]: Probe<Extract<Check, { readonly kind: Kind }>> | Probe<never> }

/** Probes any check. */
export const probeAny: Probe = async (check, target, sockets, signal) => {
  const probe = probes[check.kind] as Probe
  return await probe(check, target, sockets, signal)
}
