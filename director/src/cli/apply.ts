// `ipvs-director plan` and `apply`: one round, without a daemon. `plan` asks the daemon if one runs.
import type { Command } from 'commander'
import { ClientError } from './client.ts'
import { clientOf, withFile, type FileOptions } from './options.ts'
import { printJson, printLines } from './output.ts'

interface RoundOptions extends FileOptions {
  readonly json?: true
}

/** Exit status of `plan` when there are changes. */
export const CHANGES = 2

function tellUnchecked(): void {
  process.stderr.write('ipvs-director: some checks have no result yet; their servers stay as the table has them\n')
}

async function planned(options: FileOptions): Promise<readonly string[]> {
  try {
    const { changes } = await clientOf(options).get<{ changes: readonly string[] }>('/v1/plan')
    return changes
  } catch (error) {
    if (!(error instanceof ClientError) || error.status !== 0) throw error
  }
  const { prepare } = await import('./start.ts')
  const { director, end } = await prepare(options)
  try {
    if (!(await director.settle())) tellUnchecked()
    return await director.plan()
  } finally {
    await end()
  }
}

async function plan(options: RoundOptions): Promise<void> {
  const changes = await planned(options)
  if (options.json) printJson({ changes })
  else printLines(changes.length > 0 ? changes : ['no changes'])
  if (changes.length > 0) process.exitCode = CHANGES
}

async function apply(options: RoundOptions): Promise<void> {
  const { prepare } = await import('./start.ts')
  const { director, end } = await prepare(options)
  try {
    const settled = await director.settle()
    if (!settled) tellUnchecked()
    const { changes, result, error } = await director.round()
    if (error !== undefined) throw error
    const failures = result?.failures.map(({ message }) => message) ?? []
    if (options.json) printJson({ applied: result?.applied ?? 0, failures })
    else
      printLines([
        ...(changes?.lines() ?? []),
        ...failures,
        `${result?.applied ?? 0} applied, ${failures.length} failed`,
      ])
    if (failures.length > 0 || !settled) process.exitCode = 1
  } finally {
    await end()
  }
}

export function addPlan(program: Command): void {
  withFile(program.command('plan'))
    .description(
      'prints the changes that the site needs: + added, ~ changed, - removed. Exit status 2: there are changes',
    )
    .option('--json', 'prints JSON')
    .action(async (options: RoundOptions) => plan(options))
}

export function addApply(program: Command): void {
  withFile(program.command('apply'))
    .description('checks all servers, applies the site once, and ends. Refused while a daemon runs')
    .option('--json', 'prints JSON')
    .action(async (options: RoundOptions) => apply(options))
}
