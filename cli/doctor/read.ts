// Reads the facts that `ipvs doctor` looks at.
import { readFile } from 'node:fs/promises'
import { FirewallMarks, Ipvs, IpvsError } from 'ipvs'
import type { Facts } from './facts.ts'
import { readNamespace } from './proc.ts'

/** The sysctls that are looked at. */
const sysctlNames = [
  'net.ipv4.ip_forward',
  'net.ipv6.conf.all.forwarding',
  'net.netfilter.nf_conntrack_count',
  'net.ipv4.vs.conntrack',
  'net.ipv4.vs.expire_nodest_conn',
  'net.ipv4.vs.expire_quiescent_template',
  'net.ipv4.vs.conn_reuse_mode',
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

// The initial user namespace has all the numbers there are.
async function inUserNamespace(): Promise<boolean> {
  const map = await readFile('/proc/self/uid_map', 'utf8').catch(() => '')
  return map !== '' && !/^\s*0\s+0\s+4294967295\s*$/.test(map)
}

/** Rejects with `NoEntry` where a namespace cannot be looked into, and with what is no finding. */
export async function readFacts(where: Where): Promise<Facts> {
  try {
    await using ipvs = await Ipvs.open(where)
    const services = await ipvs.snapshot()
    return { services, ...(await readMarks(where)), ...(await readNamespace(sysctlNames, where.netns)) }
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error
    const { code, message } = error
    if (code !== 'ERR_IPVS_UNAVAILABLE' && code !== 'ERR_IPVS_PERMISSION_DENIED') throw error
    const refused = { code, message, userNamespace: await inUserNamespace() }
    return { refused, services: [], sysctls: {}, reversePath: {} }
  }
}
