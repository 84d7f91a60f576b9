// A process with the shim preloaded that tries the scenarios it is told to, a line of JSON for each order; it writes one for
// each scenario and each fault. All trials are made in it: starting node for each would take longer than most trials.
//   shard.js READER NAME
import { createInterface } from 'node:readline'
import { Attempts, Hang } from './attempt.ts'
import { Control } from './control.ts'
import { faultClass, faultText, faultsOf } from './faults.ts'
import type { ShardLine, ShardOrder } from './results.ts'
import { scenarios } from './scenarios/all.ts'
import { World } from './world.ts'

const [reader, name] = process.argv.slice(2) as [string, string]

function say(line: ShardLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

// Of each `every` faults it is another one, so that no kind of fault is left out of a scenario.
const isMeant = (index: number, { every, first, skip }: ShardOrder) =>
  index >= skip && (index + Math.floor(index / every)) % every === first

async function runScenario(world: World, control: Control, order: ShardOrder): Promise<void> {
  const { scenario } = order
  const chosen = scenarios.find((each) => each.name === scenario)
  if (chosen === undefined) throw new Error(`no scenario ${scenario}`)
  const attempts = await Attempts.start(world, control, chosen)
  const faults = faultsOf(attempts.counts).filter((fault) => chosen.faults?.(fault) ?? true)
  say({ state: 'counted', scenario, faults: faults.length })
  for (const [index, fault] of faults.entries()) {
    if (!isMeant(index, order)) continue
    const about = { index, scenario, fault: faultText(fault), class: faultClass(fault) }
    say({ ...about, state: 'begun' })
    say({ ...about, state: 'ended', ...(await attempts.run(fault)) })
  }
  say({ state: 'done' })
}

const world = await World.create(name, reader)
const control = new Control(process.env['FAULTS_CONTROL'] as string)
try {
  await world.clear() // what is loaded and started once is so from here on
  for await (const line of createInterface(process.stdin))
    await runScenario(world, control, JSON.parse(line) as ShardOrder)
  await world.close()
} catch (error) {
  process.stderr.write(`${String(error instanceof Error ? error.stack : error)}\n`)
  process.exit(error instanceof Hang ? 3 : 1)
}
