// Reads the facts that `ipvs doctor` looks at.
import { FirewallMarks, Ipvs, IpvsError } from 'ipvs'
import type { Facts } from './facts.ts'
import { readHost } from './host.ts'
import { readListeners } from './listeners.ts'
import { readNamespace } from './proc.ts'
import { readRoutes } from './routes.ts'

/** The sysctls that are looked at. */
const sysctlNames = [
  'net.ipv4.ip_forward',
  'net.ipv6.conf.all.forwarding',
  'net.netfilter.nf_conntrack_count',
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

/** The options of `open`. */
export interface Where {
  readonly netns?: string
}

type MarkFacts = Pick<Facts, 'marks' | 'nat' | 'foundMarks' | 'marksProblem'>

async function readMarks(where: Where): Promise<MarkFacts> {
  try {
    await using marks = await FirewallMarks.open(where)
    return { marks: await marks.list(), nat: await marks.listNat(), foundMarks: await marks.findMarks() }
  } catch (error) {
    if (error instanceof IpvsError) return { marksProblem: error.message }
    throw error
  }
}

/** Rejects with `NoEntry` where a namespace cannot be looked into, and with what is no finding. */
export async function readFacts(where: Where): Promise<Facts> {
  try {
    await using ipvs = await Ipvs.open(where)
    const [services, daemons] = [await ipvs.snapshot(), await ipvs.listSyncDaemons()]
    const addresses = new Set(services.flatMap(({ destinations }) => destinations.map(({ address }) => address)))
    const routes = await readRoutes([...addresses], where.netns)
    const local = Object.values(routes?.routes ?? {}).some((route) => route.local)
    return {
      services,
      daemons,
      ...(await readMarks(where)),
      ...(await readNamespace(sysctlNames, where.netns)),
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
