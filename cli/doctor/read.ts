// Reads the facts for `ipvs doctor`.
import { FirewallMarks, Ipvs, IpvsError, type ServiceSnapshot, type Trace } from 'ipvs'
import type { Facts } from './facts.ts'
import { readHost } from './host.ts'
import { readListeners } from './listeners.ts'
import { probesFor, type Probe, type Probed } from './probes.ts'
import { readNamespace } from './proc.ts'
import { readRoutes } from './routes.ts'
import { readSaved } from './saved.ts'

/** Sysctls used by checks. */
const sysctlNames = [
  'net.ipv4.ip_forward',
  'net.ipv6.conf.all.forwarding',
  'net.ipv4.vs.conntrack',
  'net.ipv4.vs.expire_nodest_conn',
  'net.ipv4.vs.expire_quiescent_template',
  'net.ipv4.vs.conn_reuse_mode',
  'net.ipv4.vs.pmtu_disc',
  'net.ipv4.vs.backup_only',
  'net.ipv4.vs.drop_packet',
  'net.ipv4.vs.am_droprate',
  'net.ipv4.vs.run_estimation',
  'net.ipv4.vs.svc_lfactor',
] as const

/** Options of `open`. */
export interface Where {
  readonly netns?: string
}

type MarkFacts = Pick<Facts, 'marks' | 'nat' | 'marksStatus' | 'foundMarks' | 'marksProblem' | 'probes'>

async function trace(marks: FirewallMarks, probes: readonly Probe[]): Promise<Probed[]> {
  const [traces, tracked] = await Promise.all([
    marks.trace(probes.map(({ packet }) => packet)),
    marks.trace(probes.map(({ packet }) => ({ ...packet, state: 'established' }))),
  ])
  return probes.map((probe, at) => ({ ...probe, trace: traces[at] as Trace, tracked: tracked[at] }))
}

async function readMarks(where: Where, services: readonly ServiceSnapshot[], tracks: boolean): Promise<MarkFacts> {
  try {
    await using marks = await FirewallMarks.open({ ...where, tidy: false })
    const listed = await marks.list()
    const probes = await trace(marks, probesFor(services, listed, tracks))
    return {
      marks: listed,
      nat: await marks.listNat(),
      marksStatus: await marks.status(),
      foundMarks: await marks.findMarks(),
      probes,
    }
  } catch (error) {
    if (error instanceof IpvsError) return { marksProblem: error }
    throw error
  }
}

/** Rejects with `NoEntry` if the namespace cannot be entered, and with errors that are no finding. */
export async function readFacts(where: Where): Promise<Facts> {
  try {
    await using ipvs = await Ipvs.open(where)
    const [services, daemons] = [await ipvs.snapshot(), await ipvs.listSyncDaemons()]
    const addresses = new Set(services.flatMap(({ destinations }) => destinations.map(({ address }) => address)))
    const routes = await readRoutes([...addresses], where.netns)
    const local = Object.values(routes?.routes ?? {}).some((route) => route.local)
    const namespace = await readNamespace(sysctlNames, where.netns)
    const tracks = namespace.sysctls['net.ipv4.vs.conntrack'] === '1'
    return {
      services,
      daemons,
      ...(await readMarks(where, services, tracks)),
      saved: await readSaved(),
      ...namespace,
      ...routes,
      listeners: local ? await readListeners(where.netns) : undefined,
    }
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error
    const { code, message, errno } = error
    if (code !== 'ERR_IPVS_UNAVAILABLE' && code !== 'ERR_IPVS_PERMISSION_DENIED') throw error
    const refused = { code, message, errno, host: await readHost() }
    return { refused, services: [], sysctls: {}, reversePath: {}, sendRedirects: {} }
  }
}
