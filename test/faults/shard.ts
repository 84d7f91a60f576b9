// A process with the shim preloaded that runs its share of all scenarios and faults. Writes a line of JSON for each.
//   shard.js READER NAME SHARD SHARDS EVERY FIRST SKIP [SCENARIO]
import { Attempts, Hang } from './attempt.ts'
import { Control } from './control.ts'
import { faultClass, faultText, faultsOf } from './faults.ts'
import type { ShardLine } from './results.ts'
import { scenarios } from './scenarios/all.ts'
import { World } from './world.ts'

const [reader, name, ...numbers] = process.argv.slice(2) as [string, string, ...string[]]
const [shard, shards, every, first, skip] = numbers.slice(0, 5).map(Number) as [number, number, number, number, number]
const only = numbers[5]

function say(line: ShardLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

let position = 0

// Each fault has a number; a part takes each `every`th of them from the `first` on, and each shard its share.
function mine(): boolean {
  const number = position++
  if (number % every !== first % every) return false
  return Math.floor(number / every) % shards === shard && number >= skip
}

async function runScenario(world: World, control: Control, scenario: (typeof scenarios)[number]): Promise<void> {
  const attempts = await Attempts.start(world, control, scenario)
  const faults = faultsOf(attempts.counts)
  if (shard === 0) process.stderr.write(`${scenario.name}: ${faults.length} faults\n`)
  for (const fault of faults) {
    if (!mine()) continue
    const about = { position: position - 1, scenario: scenario.name, fault: faultText(fault), class: faultClass(fault) }
    say({ ...about, state: 'begun' })
    const attempt = await attempts.run(fault)
    say({ ...about, state: 'ended', ...attempt })
  }
}

const world = await World.create(name, reader)
const control = new Control(process.env['FAULTS_CONTROL'] as string)
try {
  await world.clear() // what is loaded and started once is so from here on
  for (const scenario of scenarios) {
    const possible = world.hasIpvs || !scenario.handles.includes('ipvs')
    if (possible && (only === undefined || scenario.name.includes(only))) await runScenario(world, control, scenario)
  }
  await world.close()
} catch (error) {
  process.stderr.write(`${String(error instanceof Error ? error.stack : error)}\n`)
  process.exit(error instanceof Hang ? 3 : 1)
}
