// The probe of each kind. A kind is loaded by its first probe: most sites have two or three, and some bring large libraries.
import type { Check } from '../../site/site.ts'
import type { Probe } from './probe.ts'

type Load<Kind extends Check['kind']> = () => Promise<Probe<Extract<Check, { readonly kind: Kind }>> | Probe<never>>

const loads: { readonly [Kind in Check['kind']]: Load<Kind> } = {
  tcp: async () => (await import('./tcp.ts')).probeTcp,
  http: async () => (await import('./http.ts')).probeHttp,
  dns: async () => (await import('./dns.ts')).probeDns,
  udp: async () => (await import('./udp.ts')).probeUdp,
  ping: async () => (await import('./ping.ts')).probePing,
  smtp: async () => (await import('./banners.ts')).probeSmtp,
  ftp: async () => (await import('./banners.ts')).probeFtp,
  imap: async () => (await import('./banners.ts')).probeImap,
  pop: async () => (await import('./banners.ts')).probePop,
  redis: async () => (await import('./banners.ts')).probeRedis,
  mysql: async () => (await import('./databases.ts')).probeMysql,
  postgres: async () => (await import('./databases.ts')).probePostgres,
  ldap: async () => (await import('./databases.ts')).probeLdap,
  grpc: async () => (await import('./grpc.ts')).probeGrpc,
  command: async () => (await import('./command.ts')).probeCommand,
  agent: async () => (await import('./agent.ts')).probeAgent,
  file: async () => (await import('./file.ts')).probeFile,
}

const probes = new Map<Check['kind'], Promise<Probe>>()

/**
 * The probe of a kind. Rejects if its module cannot be loaded, for instance without descriptors. Node.js keeps the failure of an
 * import: only a new thread can try again.
 */
export async function loadProbe(kind: Check['kind']): Promise<Probe> {
  const known = probes.get(kind)
  if (known !== undefined) return await known
  const loaded = loads[kind]() as Promise<Probe>
  probes.set(kind, loaded)
  return await loaded
}

/** Probes any check. */
export const probeAny: Probe = async (check, target, sockets, signal) => {
  const probe = await loadProbe(check.kind)
  return await probe(check, target, sockets, signal)
}
