// `ipvs-director check`: the checks of a server now, with a transcript.
import { Option, type Command } from 'commander'
import { defaultSiteFile } from '../control/files.ts'
import { targetsOf } from '../control/orders.ts'
import type { ProbeResult } from '../health/probes/probe.ts'
import type { Workers } from '../health/workers.ts'
import { formatProblem } from '../site/problems.ts'
import type { Check, Site, SiteServer } from '../site/site.ts'
import { printJson, printLines } from './output.ts'
import { readSite } from './site-problems.ts'

interface CheckOptions {
  readonly config: string
  readonly json?: true
}

interface CheckedServer {
  /** `shop/web1`. */
  readonly server: string
  readonly check: Check['kind']
  /** What was probed, such as `10.0.0.7 port 80`. */
  readonly place: string
  readonly result: ProbeResult
}

interface Planned {
  readonly id: string
  readonly server: SiteServer
  readonly check: Check
}

function plannedChecks({ services }: Site, wanted: ReadonlySet<string>): readonly Planned[] {
  return services.flatMap(({ name, servers, checks }) =>
    servers
      .filter((server) => wanted.has(`${name}/${server.name}`))
      .flatMap((server) =>
        (server.checks ?? checks).checks.map((check) => ({ id: `${name}/${server.name}`, server, check })),
      ),
  )
}

function wantedServers(site: Site, target: string | undefined): ReadonlySet<string> {
  if (target === undefined) {
    return new Set(site.services.flatMap(({ name, servers }) => servers.map((server) => `${name}/${server.name}`)))
  }
  const found = targetsOf(site, target)
  if (found.length === 0) throw new Error(`the site has no server ${target}`)
  return new Set(found)
}

async function probe(workers: Pick<Workers, 'probe'>, { id, server, check }: Planned): Promise<CheckedServer> {
  const address = check.address ?? server.address
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  const result = await workers.probe(check, { address, family, mark: undefined })
  const place = 'port' in check ? `${address} port ${check.port}` : address
  return { server: id, check: check.kind, place, result }
}

function checkLines({ server, check, place, result }: CheckedServer): string[] {
  const phases = Object.entries(result.phases).map(([phase, ms]) => `${phase} ${Math.round(ms)} ms`)
  const head = `${server}: ${check} ${place}: ${result.verdict}: ${result.words}`
  return [
    phases.length === 0 ? head : `${head} (${phases.join(', ')})`,
    ...result.transcript.map((line) => `    ${line}`),
  ]
}

export interface Checked {
  readonly checks: readonly CheckedServer[]
  /** Checks that only the daemon can make. */
  readonly skipped: readonly string[]
}

/** Probes the servers of a target one after the other. `told` gets the lines of each. Throws for an unknown target. */
export async function checkTarget(
  site: Site,
  target: string | undefined,
  workers: Pick<Workers, 'probe'>,
  told: (lines: readonly string[]) => void,
): Promise<Checked> {
  const planned = plannedChecks(site, wantedServers(site, target))
  const checks: CheckedServer[] = []
  const skipped: string[] = []
  for (const each of planned) {
    if (each.check.via === 'service') {
      skipped.push(`${each.id}: ${each.check.kind}: via: service: only the daemon can probe it`)
      continue
    }
    const done = await probe(workers, each)
    checks.push(done)
    told(checkLines(done))
  }
  told(planned.length === 0 ? ['there are no checks'] : skipped)
  return { checks, skipped }
}

async function runCheck(target: string | undefined, { config, json }: CheckOptions): Promise<void> {
  const { site, problems } = await readSite(config)
  if (site === undefined) throw new Error(problems.map(formatProblem).join('\n'))
  const { Workers: WorkerPool } = await import('../health/workers.ts')
  const workers = new WorkerPool({ onBatch: () => {} })
  try {
    const checked = await checkTarget(site, target, workers, json ? () => {} : printLines)
    if (json) printJson(checked)
    if (checked.checks.some(({ result }) => result.verdict !== 'success')) process.exitCode = 1
  } finally {
    await workers.close()
  }
}

/** Adds the command `check`. */
export function addCheck(program: Command): void {
  program
    .command('check [target]')
    .description(
      'probes a server (web1, or shop/web1; default: all) as the site says, from here, and prints what was sent and received. ' +
        'Exit status 1: a check did not succeed',
    )
    .addOption(new Option('-c, --config <file>', 'the site; - reads the standard input').default(defaultSiteFile))
    .option('--json', 'prints JSON')
    .action(runCheck)
}
