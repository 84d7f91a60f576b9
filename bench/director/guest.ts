// Runs on the measured kernel: reads a plan as a line of JSON from stdin, and prints a line of JSON per figure.
import { readFileSync } from 'node:fs'
import { arch, cpus, release } from 'node:os'

import { AgentContext } from '../../test/lab/agent-context.ts'
import type { Place } from '../guest-process.ts'
import type { Cell, CellResult, Plan } from './plan.ts'
import { Stage } from './stage.ts'
import { trials } from './trials.ts'

const { cells, repeat } = JSON.parse(readFileSync(0, 'utf8')) as Plan
console.log(JSON.stringify({ release: release(), arch: arch(), cpus: cpus().length } satisfies Place))

async function take(stage: Stage, cell: Cell, repetition: number): Promise<CellResult> {
  try {
    return { ...cell, repetition, values: await trials[cell.trial](stage, cell) }
  } catch (error) {
    return { ...cell, repetition, error: (error as Error).message }
  }
}

const context = new AgentContext(new AbortController().signal)
try {
  await context.sh('modprobe -a ip_vs ip_vs_rr')
  const stage = await Stage.build(context)
  await stage.serveAll()
  // All cells once, then all cells again. Trials that take minutes and vary little have one repetition.
  for (let repetition = 0; repetition < repeat; repetition++) {
    for (const cell of cells) {
      if (repetition === 0 || cell.n === 0) console.log(JSON.stringify(await take(stage, cell, repetition)))
    }
  }
} finally {
  await context.cleanUp()
}
