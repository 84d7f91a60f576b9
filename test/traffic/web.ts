// HTTP and TLS servers and clients in the lab.
import type { LabContext, Netns } from '../lab/job.ts'
import type { Site } from './topology.ts'

/** Starts a web server on each real server, and resolves when all are ready. */
export async function serveWeb(context: LabContext, site: Site): Promise<void> {
  const folder = (await context.sh('mktemp -d')).trim()
  const [key, certificate] = [`${folder}/key.pem`, `${folder}/certificate.pem`]
  const kind = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=traffic -days 1'
  await context.sh(`openssl req -x509 -nodes ${kind} -keyout ${key} -out ${certificate}`)
  const program = `${context.root}/out/test/traffic/web-server.js`
  await Promise.all(
    site.servers.map(async ({ name, netns }) =>
      context.start(process.execPath, [program, name, key, certificate], { netns }).waitFor('ready'),
    ),
  )
}

export interface Asked {
  /** Replies in the order of the URLs. */
  readonly replies: string[]
  /** Errors of curl for URLs without a reply. */
  readonly complaints: string[]
}

/** Requests the URLs one after the other, one connection per URL. */
export async function ask(
  context: LabContext,
  from: Netns,
  source: string,
  urls: readonly string[],
  connectSeconds = 5,
): Promise<Asked> {
  const args = [
    '-gsSk',
    '--noproxy',
    '*',
    '--connect-timeout',
    String(connectSeconds),
    '--max-time',
    '20',
    '--interface',
    source,
    ...urls,
  ]
  const { stdout, stderr } = await context.run('curl', args, { netns: from })
  const lines = (text: string) => text.split('\n').filter(Boolean)
  return { replies: lines(stdout), complaints: lines(stderr) }
}

/** `host` in URL notation: IPv6 addresses in brackets. */
export const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)
