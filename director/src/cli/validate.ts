// `ipvs-director validate`: what is wrong in a site file.
import type { Command } from 'commander'
import { unsupported } from '../control/supported.ts'
import { formatProblem, printable } from '../site/problems.ts'

const DEFAULT_FILE = '/etc/ipvs-director/site.yaml'

async function validate(file: string, { json = false }: { json?: boolean }): Promise<void> {
  const { readSite } = await import('./site-problems.ts')
  const { site, problems } = await readSite(file)
  const lacking = site === undefined ? [] : unsupported(site)
  const valid = site !== undefined && lacking.length === 0
  if (!valid) process.exitCode = 1
  if (json) {
    process.stdout.write(`${JSON.stringify({ valid, problems, unsupported: lacking }, undefined, 2)}\n`)
    return
  }
  for (const problem of problems) process.stdout.write(`${formatProblem(problem)}\n`)
  for (const line of lacking) process.stdout.write(`${printable(line)}\n`)
  if (!valid) return
  const servers = new Set(site.services.flatMap((service) => service.servers.map(({ name }) => name)))
  process.stdout.write(
    `valid: ${site.services.length} services, ${servers.size} servers, ${problems.length} warnings\n`,
  )
}

/** Adds the command `validate`. */
export function addValidate(program: Command): void {
  program
    .command('validate')
    .description('checks a site file and prints all problems with line and column; exit status 1: it has errors')
    .argument('[file]', 'the site; - reads the standard input', DEFAULT_FILE)
    .option('--json', 'print problems as JSON')
    .action(validate)
}
