// `npm run bench:connections`; see `usage` below.
import { execFileSync } from 'node:child_process'
import { arch, cpus, release } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { chosen, commandOf, commonOptions, count, counts, list, parseWords } from '../command-line.ts'
import { placeWords } from '../guest-process.ts'
import { describeMachine } from '../machine.ts'
import { measuredRun } from '../measured.ts'
import { run, show } from '../program.ts'
import type { Results } from '../results.ts'
import { driverNames, sizes, type CellResult, type Plan } from './plan.ts'
import { report, type ConnectionRun } from './report.ts'

type ConnectionResults = Results<CellResult>

const defaultKernels = ['6.1', '6.12', 'newest']

const usage = `usage: npm run bench:connections -- [OPTION]...

Compares readers of the connection table, with up to 500,000 connections. On this host, without IPVS, measures the parser alone and
a million lines from a file in memory.

  --kernels LIST   kernels of the lab, default ${defaultKernels.join(',')}; an empty list: none
  --no-host        omits the measurements on this host
  --drivers LIST   of ${driverNames.join(', ')}; cat and table are always measured
  --sizes LIST     numbers of connections, default ${sizes.join(',')}. Old kernels take N x N time:
                   500,000 take minutes per pass on Linux 6.1
  --repeat COUNT   repetitions, default 3
  --json FILE      writes the figures to FILE
  --from FILE      shows figures of --json instead of measuring; may be given more than once
  --save           writes bench/connections/results.md
`

const options = { ...commonOptions, 'no-host': { type: 'boolean' }, sizes: { type: 'string' } } as const

/** The source folder; this file runs as out/bench/connections/main.js. */
const folder = fileURLToPath(new URL('../../../bench/connections/', import.meta.url))
const guest = fileURLToPath(new URL('guest.js', import.meta.url))

const longestSeconds = 3 * 3600

function describe({ driver, n, values }: CellResult): string | undefined {
  const { seconds } = values
  return seconds === undefined ? undefined : `${driver}, N = ${n}: ${seconds} s`
}

function node(...args: string[]): Record<string, number> {
  const text = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(text.split('\n')[0] ?? '') as Record<string, number>
}

function measureHost(repeat: number): ConnectionRun {
  const start = Date.now()
  const n = 1_000_000
  const cells: CellResult[] = []
  for (let repetition = 0; repetition < repeat; repetition++) {
    const { ms = NaN, longestDelayMs = NaN, bytesPerRow = NaN } = node('--expose-gc', path.join(folder, 'loop.mjs'))
    const values = { seconds: ms / 1000, pause: longestDelayMs, bytes: bytesPerRow }
    const parser = node(path.join(folder, 'parser.mjs'), '--time', String(n))
    cells.push({ n, driver: 'table', repetition, values }, { n, driver: 'parser', repetition, values: parser })
  }
  const place = placeWords(undefined, { release: release(), arch: arch(), cpus: cpus().length })
  return { release: release(), place, emulated: false, seconds: (Date.now() - start) / 1000, cells }
}

async function take(words: readonly string[]): Promise<ConnectionResults> {
  const values = parseWords(words, options)
  const named = chosen('--drivers', values.drivers, driverNames)
  const plan: Plan = {
    sizes: counts('--sizes', values.sizes) ?? sizes,
    drivers: driverNames.filter((name) => named === undefined || ['cat', 'table', ...named].includes(name)),
    repeat: count('--repeat', values.repeat ?? '3'),
  }
  const machine = describeMachine()
  const runs: ConnectionRun[] = []
  for (const kernel of list(values.kernels) ?? defaultKernels) {
    runs.push(await measuredRun(kernel, guest, plan, describe, { memory: 4096, timeoutSeconds: longestSeconds }))
  }
  if (values['no-host'] !== true) runs.push(measureHost(plan.repeat))
  return { machine, node: process.version, commands: [commandOf('bench:connections', words)], runs }
}

await run(async (words) => {
  const file = path.join(folder, 'results.md')
  await show(parseWords(words, options), { usage, file, take: async () => take(words), report })
})
