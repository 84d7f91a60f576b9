// `npm run bench:marks`; see `usage` below.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { BenchError } from '../bench-error.ts'
import { choiceOptions, chosen, commandOf, commonOptions, count, counts, list, parseWords } from '../command-line.ts'
import { describeMachine } from '../machine.ts'
import { measuredRun } from '../measured.ts'
import { run, show } from '../program.ts'
import type { Results, Run } from '../results.ts'
import { flood } from './place.ts'
import { driverNames, planCells, trialNames, type CellResult } from './plan.ts'
import { report } from './report.ts'

type MarkResults = Results<CellResult>

const usage = `usage: npm run bench:marks -- [OPTION]...

Measures firewall marks: the cost of a packet with N rules, and the time to load them.

  --kernels LIST   kernels of the lab, default 6.12
  --direct         uses this host's kernel instead; needs root, veth, nf_tables and iptables
  --trials LIST    of ${trialNames.join(', ')}
  --drivers LIST   of ${driverNames.join(', ')};
                   the references are always measured
  --sizes LIST     values of N, instead of each trial's own
  --repeat COUNT   repetitions, default 3
  --json FILE      writes the figures to FILE
  --from FILE      shows figures of --json instead of measuring; may be given more than once
  --save           writes bench/marks/results.md
`

const options = { ...commonOptions, ...choiceOptions } as const

/** The source folder; this file runs as out/bench/marks/main.js. */
const folder = fileURLToPath(new URL('../../../bench/marks/', import.meta.url))
const guest = fileURLToPath(new URL('guest.js', import.meta.url))

function compile(): void {
  mkdirSync(path.dirname(flood), { recursive: true })
  const args = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-o', flood, path.join(folder, 'flood.c')]
  const done = spawnSync('cc', args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (done.error !== undefined) throw new BenchError(`cc: ${done.error.message}`)
  if (done.status !== 0) throw new BenchError('the sender does not compile')
}

function describe({ trial, driver, n, error }: CellResult): string {
  return `${trial}, ${driver}, N = ${n}${error === undefined ? '' : `: ${error}`}`
}

async function take(words: readonly string[]): Promise<MarkResults> {
  const values = parseWords(words, options)
  if (values.direct && values.kernels !== undefined)
    throw new BenchError('--direct uses the running kernel: no --kernels')
  const cells = planCells({
    trials: chosen('--trials', values.trials, trialNames),
    drivers: chosen('--drivers', values.drivers, driverNames),
    sizes: counts('--sizes', values.sizes),
  })
  const plan = { cells, repeat: count('--repeat', values.repeat ?? '3') }
  compile()
  const machine = describeMachine()
  const runs: Run<CellResult>[] = []
  for (const kernel of values.direct ? [undefined] : (list(values.kernels) ?? ['6.12'])) {
    runs.push(await measuredRun(kernel, guest, plan, describe, { memory: 4096 }))
  }
  return { machine, node: process.version, commands: [commandOf('bench:marks', words)], runs }
}

await run(async (words) => {
  const file = path.join(folder, 'results.md')
  await show(parseWords(words, options), { usage, file, take: async () => take(words), report })
})
