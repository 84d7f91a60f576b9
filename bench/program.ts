// The shared main program of the benches.
import { readFileSync, writeFileSync } from 'node:fs'

import { BenchError } from './bench-error.ts'
import { merge, type Results } from './results.ts'

export interface Asked {
  readonly help?: boolean | undefined
  readonly from?: readonly string[] | undefined
  readonly json?: string | undefined
  readonly save?: boolean | undefined
}

export interface Shown<Cell> {
  readonly usage: string
  /** Where `--save` puts the report. */
  readonly file: string
  readonly take: () => Promise<Results<Cell>>
  readonly report: (results: Results<Cell>) => string
}

/** Takes stored figures (--from) or measures new ones; stores, saves and prints them. */
export async function show<Cell>(asked: Asked, { usage, file, take, report }: Shown<Cell>): Promise<void> {
  if (asked.help === true) {
    process.stdout.write(usage)
    return
  }
  const kept = asked.from?.map((name) => JSON.parse(readFileSync(name, 'utf8')) as Results<Cell>) ?? []
  const results = merge(kept.length > 0 ? kept : [await take()])
  if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify(results)}\n`)
  if (asked.save === true) writeFileSync(file, report(results))
  process.stdout.write(report(results))
}

/** Runs a program; prints a `BenchError` without a stack. */
export async function run(main: (words: readonly string[]) => Promise<void>): Promise<void> {
  try {
    await main(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    console.error(`bench: ${error.message}`)
    process.exitCode = 2
  }
}
