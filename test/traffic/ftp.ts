// FTP servers (vsftpd) and clients (curl, lftp) in the lab.
import type { LabContext, Netns } from '../lab/job.ts'
import type { Director } from './director.ts'
import type { Site, Way } from './topology.ts'

/**
 * Starts an FTP server on each real server. Its only file, `who`, contains the name of the server. Passive data connections
 * use ports 10000 to 20000.
 *
 * The reply to PASV contains an address. Behind NAT this is the server's own address, unreachable for clients, so
 * `pasv_address` is the VIP. Clients with EPSV, or clients that ignore the address, do not need it.
 */
export async function serveFtp(context: LabContext, site: Site, vip: string, forwarding: Way): Promise<void> {
  const folder = (await context.sh('mktemp -d')).trim()
  await context.sh(`chmod 755 ${folder}; mkdir -p /run/vsftpd/empty`)
  const settings = [
    'listen=YES',
    'background=NO',
    'anonymous_enable=YES',
    'connect_from_port_20=YES',
    'pasv_min_port=10000',
    'pasv_max_port=20000',
    ...(forwarding === 'masquerade' ? [`pasv_address=${vip}`] : []),
  ]
  await Promise.all(
    site.servers.map(async ({ name, netns }) => {
      const files = `${folder}/${name}`
      const configuration = [...settings, `anon_root=${files}`, ''].join('\n')
      await context.sh(`mkdir ${files}; echo ${name} >${files}/who; cat >${files}.conf`, { input: configuration })
      context.start('vsftpd', [`${files}.conf`], { netns })
      await context.sh('until ss -Hltn sport = :21 | grep -q .; do sleep 0.1; done', { netns })
    }),
  )
}

/** Gets the file `who` with curl; resolves with its content, or with the error of curl. */
export async function fetchWho(
  context: LabContext,
  from: Netns,
  source: string,
  host: string,
  options: readonly string[],
): Promise<string> {
  const limits = ['--connect-timeout', '5', '--max-time', '12']
  const args = ['-sS', '--noproxy', '*', ...limits, '--interface', source, ...options, `ftp://${host}/who`]
  const { stdout, stderr } = await context.run('curl', args, { netns: from })
  return stdout.trim() || stderr.trim()
}

/** The same with lftp. */
export async function fetchWhoByLftp(
  context: LabContext,
  from: Netns,
  host: string,
  passive: boolean,
): Promise<string> {
  const settings = `set net:max-retries 1; set net:timeout 5; set ftp:passive-mode ${passive}`
  const { stdout, stderr } = await context.run('lftp', ['-c', `${settings}; open ftp://${host}; cat who`], {
    netns: from,
  })
  return stdout.trim() || stderr.trim()
}

/**
 * Behind NAT: the director masquerades connections from the FTP data port of servers. Neither ip_vs_ftp nor
 * net.ipv4.vs.conntrack is needed: only conntrack tracks these connections, IPVS does not see them. Their source is the
 * address of the director's interface, not the VIP.
 */
export async function masqueradeActive({ marks }: Director, site: Site): Promise<void> {
  const rule = (source: string) => ({ action: 'masquerade', source, protocol: 'tcp', sourcePorts: 20 }) as const
  await marks.addNat(site.servers.map(({ ipv4 }) => rule(ipv4)))
}

/** Records, on the client, source addresses of connections from an FTP data port. */
export async function recordPeers(context: LabContext, site: Site): Promise<void> {
  const rule = 'tcp sport 20 tcp flags & (syn | ack) == syn add @addresses { ip saddr }'
  await context.sh('nft -f -', {
    netns: site.client,
    input: `table ip peers {
      set addresses { type ipv4_addr; flags dynamic; size 16; }
      chain input { type filter hook input priority 0; ${rule}; }
    }`,
  })
}

/** Recorded addresses since the previous call. */
export async function takePeers(context: LabContext, site: Site): Promise<string[]> {
  const text = await context.sh('nft list set ip peers addresses; nft flush set ip peers addresses', {
    netns: site.client,
  })
  return (text.match(/\d+\.\d+\.\d+\.\d+/g) ?? []).toSorted()
}
