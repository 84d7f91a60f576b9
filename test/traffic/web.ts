// Real servers and clients of HTTP and TLS; in the lab.
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
  /** What came back, in the order of the URLs. */
  readonly answers: string[]
  /** What curl says about those that did not. */
  readonly complaints: string[]
}

/** Asks for the URLs one after the other, each by a connection of its own. */
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
  return { answers: lines(stdout), complaints: lines(stderr) }
}

/** `host` as URLs have it. */
export const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)
