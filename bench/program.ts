// What the programs of the benches do, whatever it is that they measure.
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

/** Figures that were kept, or else new ones: kept, saved and printed as asked for. */
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

/** Runs a program. What it cannot do is said without a stack. */
export async function run(main: (words: readonly string[]) => Promise<void>): Promise<void> {
  try {
    await main(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    console.error(`bench: ${error.message}`)
    process.exitCode = 2
  }
}
