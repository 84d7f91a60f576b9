// `npm run bench:marks`: see usage below.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { count, list } from '../arguments.ts'
import { BenchError } from '../bench-error.ts'
import { describeMachine } from '../machine.ts'
import { merge, type Results, type Run } from '../results.ts'
import { flood } from './place.ts'
import { driverNames, planCells, trialNames, type CellResult, type Plan } from './plan.ts'
import { report } from './report.ts'

type MarkResults = Results<CellResult>

const usage = `usage: npm run bench:marks -- [OPTION]...

Firewall marks: what a packet costs with N rules, and how long it takes to load them.

  --kernels LIST   kernels of the lab, default 6.12
  --direct         on this host's own kernel instead, which needs root, veth, nf_tables and iptables
  --trials LIST    of ${trialNames.join(', ')}
  --drivers LIST   of ${driverNames.join(', ')};
                   what others are compared with is always measured
  --sizes LIST     values of N, in place of each trial's own
  --repeat COUNT   repetitions, default 3
  --json FILE      writes the figures there
  --from FILE      measures nothing, shows figures of --json; may be given more than once
  --save           writes bench/marks/results.md
`

const options = {
  kernels: { type: 'string' },
  direct: { type: 'boolean' },
  trials: { type: 'string' },
  drivers: { type: 'string' },
  sizes: { type: 'string' },
  repeat: { type: 'string' },
  json: { type: 'string' },
  from: { type: 'string', multiple: true },
  save: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** The sources: this file runs as out/bench/marks/main.js. */
const folder = fileURLToPath(new URL('../../../bench/marks/', import.meta.url))
const lab = fileURLToPath(new URL('../../test/lab/main.js', import.meta.url))
const guest = fileURLToPath(new URL('guest.js', import.meta.url))

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options, strict: true }).values
  } catch (error) {
    throw new BenchError(error instanceof Error ? error.message : String(error))
  }
}

function chosen<Name extends string>(option: string, text: string | undefined, names: readonly Name[]) {
  return list(text)?.map((word) => {
    const found = names.find((name) => name === word)
    if (found === undefined) throw new BenchError(`${option}: "${word}" is none of ${names.join(', ')}`)
    return found
  })
}

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

/** `kernel`: one of the lab's; undefined: the host's own. */
async function measure(kernel: string | undefined, plan: Plan): Promise<Run<CellResult>> {
  const start = Date.now()
  const inside = [process.execPath, guest]
  const [command = '', ...args] =
    kernel === undefined ? inside : [process.execPath, lab, '--kernel', kernel, '--memory', '4096', '--', ...inside]
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(plan))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const cells: CellResult[] = []
  let place: { release: string; arch: string; cpus: number } | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line) as CellResult | NonNullable<typeof place>
    if ('release' in told) place = told
    else cells.push(told)
    if ('trial' in told) process.stderr.write(`bench: ${kernel ?? 'host'}: ${describe(told)}\n`)
  }
  const status = await ended
  if (place === undefined || status !== 0) throw new BenchError(`${kernel ?? 'host'}: ended with status ${status}`)
  const where = kernel === undefined ? 'The host itself' : 'In the lab (an emulator)'
  const words = `${where}, ${place.arch}, ${place.cpus} processors`
  const seconds = (Date.now() - start) / 1000
  return { release: place.release, place: words, emulated: kernel !== undefined, seconds, cells }
}

async function take(words: readonly string[]): Promise<MarkResults> {
  const values = parse(words)
  if (values.direct && values.kernels !== undefined) throw new BenchError('--direct takes the kernel that runs')
  const sizes = list(values.sizes)?.map((text) => count('--sizes', text))
  const cells = planCells({
    trials: chosen('--trials', values.trials, trialNames),
    drivers: chosen('--drivers', values.drivers, driverNames),
    sizes,
  })
  const plan = { cells, repeat: count('--repeat', values.repeat ?? '3') }
  compile()
  const machine = describeMachine()
  const runs: Run<CellResult>[] = []
  for (const kernel of values.direct ? [undefined] : (list(values.kernels) ?? ['6.12'])) {
    runs.push(await measure(kernel, plan))
  }
  // Where the figures are kept does not matter to them.
  const told = words.filter((word, index) => word !== '--json' && words[index - 1] !== '--json')
  const command = ['npm run bench:marks', ...(told.length > 0 ? ['--', ...told] : [])].join(' ')
  return { machine, node: process.version, commands: [command], runs }
}

async function main(words: readonly string[]): Promise<void> {
  const { help, from = [], json, save } = parse(words)
  if (help) {
    process.stdout.write(usage)
    return
  }
  const saved = from.map((file) => JSON.parse(readFileSync(file, 'utf8')) as MarkResults)
  const results = merge(saved.length > 0 ? saved : [await take(words)])
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results)}\n`)
  if (save) writeFileSync(path.join(folder, 'results.md'), report(results))
  process.stdout.write(report(results))
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof BenchError)) throw error
  console.error(`bench: ${error.message}`)
  process.exitCode = 2
}
