// `npm run bench:director`; see `usage` below.
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { chosen, commandOf, commonOptions, count, counts, list, parseWords } from '../command-line.ts'
import { describeMachine } from '../machine.ts'
import { measuredRun } from '../measured.ts'
import { run, show } from '../program.ts'
import type { Results } from '../results.ts'
import { defaultChecks, defaultServices, driverNames, planOf, trialNames, type CellResult, type Plan } from './plan.ts'
import { report, type DirectorRun } from './report.ts'

const usage = `usage: npm run bench:director -- [OPTION]...

Compares the director with keepalived and ldirectord: a server fails, a reload under load, the cost of checks.

  --kernels LIST   kernels of the lab, default uml: programs run at the speed of the machine there
  --trials LIST    of ${trialNames.join(', ')}
  --drivers LIST   of ${driverNames.join(', ')}
  --checks LIST    numbers of checks, default ${defaultChecks.join(',')}
  --services N     services of the reload, default ${defaultServices}
  --repeat COUNT   repetitions of failures, default 5; reloads and checks are measured once
  --json FILE      writes the figures to FILE
  --from FILE      shows figures of --json instead of measuring; may be given more than once
  --save           writes bench/director/results.md
`

const options = {
  ...commonOptions,
  trials: { type: 'string' },
  checks: { type: 'string' },
  services: { type: 'string' },
} as const

/** The source folder; this file runs as out/bench/director/main.js. */
const folder = fileURLToPath(new URL('../../../bench/director/', import.meta.url))
const guest = fileURLToPath(new URL('guest.js', import.meta.url))

const longestSeconds = 2 * 3600

function describe({ trial, driver, n, values, error }: CellResult): string {
  return `${trial}, ${driver}, N = ${n}: ${error ?? JSON.stringify(values)}`
}

async function take(words: readonly string[]): Promise<Results<CellResult>> {
  const values = parseWords(words, options)
  const plan: Plan = {
    cells: planOf(
      chosen('--trials', values.trials, trialNames) ?? trialNames,
      chosen('--drivers', values.drivers, driverNames) ?? driverNames,
      counts('--checks', values.checks) ?? defaultChecks,
      count('--services', values.services ?? String(defaultServices)),
    ),
    repeat: count('--repeat', values.repeat ?? '5'),
  }
  const machine = describeMachine()
  const runs: DirectorRun[] = []
  for (const kernel of list(values.kernels) ?? ['uml']) {
    runs.push(await measuredRun(kernel, guest, plan, describe, { memory: 4096, timeoutSeconds: longestSeconds }))
  }
  return { machine, node: process.version, commands: [commandOf('bench:director', words)], runs }
}

await run(async (words) => {
  const file = path.join(folder, 'results.md')
  await show(parseWords(words, options), { usage, file, take: async () => take(words), report })
})
