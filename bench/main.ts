// `npm run bench`; see `usage` in arguments.ts.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { parseArguments, usage, type Arguments } from './arguments.ts'
import { BenchError } from './bench-error.ts'
import { chartOf } from './chart.ts'
import { commandOf } from './command-line.ts'
import { program } from './drivers/limit.ts'
import { describeMachine } from './machine.ts'
import { planCells } from './plan.ts'
import { report } from './report.ts'
import { merge, type Results, type Run } from './results.ts'
import { measure } from './runner.ts'

/** The source folder; this file runs as out/bench/main.js. */
const folder = fileURLToPath(new URL('../../bench/', import.meta.url))

function compileLimit(): void {
  const sources = readdirSync(path.join(folder, 'limit')).filter((name) => name.endsWith('.c'))
  mkdirSync(path.dirname(program), { recursive: true })
  const args = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-o', program, ...sources]
  const done = spawnSync('cc', args, { cwd: path.join(folder, 'limit'), stdio: ['ignore', 'inherit', 'inherit'] })
  if (done.error !== undefined) throw new BenchError(`cc: ${done.error.message}`)
  if (done.status !== 0) throw new BenchError('the limit program does not compile')
}

function keep({ json }: Arguments, results: Results): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results)}\n`)
}

async function take(args: Arguments, words: readonly string[]): Promise<Results> {
  compileLimit()
  const machine = describeMachine()
  const cells = planCells(args)
  if (cells.length === 0) throw new BenchError('nothing to measure: no driver of these trials supports such a large N')
  const runs: Run[] = []
  const results = { machine, node: process.version, commands: [commandOf('bench', words)], runs }
  for (const kernel of args.direct ? [undefined] : args.kernels) {
    runs.push(await measure(kernel, cells))
    keep(args, results) // in case the next kernel fails
  }
  return results
}

function save(results: Results): void {
  writeFileSync(path.join(folder, 'results.md'), report(results))
  writeFileSync(path.join(folder, 'results.svg'), chartOf(results))
}

async function main(words: readonly string[]): Promise<number> {
  const args = parseArguments(words)
  if (args.help) {
    process.stdout.write(usage)
    return 0
  }
  const saved = args.from.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Results)
  const results = merge(saved.length > 0 ? saved : [await take(args, words)])
  keep(args, results)
  if (args.save) save(results)
  process.stdout.write(report(results))
  return results.runs.some((run) => run.cells.some((cell) => cell.error !== undefined)) ? 1 : 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof BenchError)) throw error
  console.error(`bench: ${error.message}`)
  process.exitCode = 2
}
