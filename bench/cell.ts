// Measures one cell in the current network namespace and prints the result: node cell.js CELL
import { drivers } from './drivers/drivers.ts'
import { runLimit } from './drivers/limit.ts'
import { trialNamed, type Cell } from './plan.ts'
import { probes } from './probes.ts'
import type { Table } from './trials/table.ts'
import { itemsOf, type Phase } from './trials/trials.ts'

/** Checks the kernel's table, so that a driver that does nothing is not a fast one. */
function checkTable(table: Table, phase: Phase): void {
  if (phase === 'add') runLimit('loop', table, table.services > 10_000 ? 'list' : 'snapshot')
  if (phase === 'remove') runLimit('loop', { ...table, services: 0 }, 'list')
  if (phase === 'removeDestinations') runLimit('loop', { ...table, destinations: 0 }, 'snapshot')
}

async function measure({ trial: name, driver: driverName, n, repetition }: Cell): Promise<Record<string, number>> {
  const trial = trialNamed(name)
  const table = trial.table(n)
  for (const phase of trial.prepared ?? []) runLimit('250', table, phase)
  const open = await drivers[driverName].load()
  const driver = await open(table)
  const values: Record<string, number> = {}
  for (const phase of trial.phases) {
    const action = driver.action(phase)
    if (action === undefined) continue
    Object.assign(values, await probes[trial.probe](phase, itemsOf(phase, table), action))
    if (repetition === 0 && driverName !== 'idle') checkTable(table, phase)
  }
  await driver.close()
  return values
}

const cell = JSON.parse(process.argv[2] ?? '') as Cell
console.log(JSON.stringify({ ...cell, values: await measure(cell) }))
