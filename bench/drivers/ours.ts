// This package, in the usual styles of use.
import { Ipvs } from 'ipvs'

import { operationsOf, type Operation } from '../trials/operations.ts'
import type { Table } from '../trials/table.ts'
import type { Phase } from '../trials/trials.ts'
import type { Action, Driver } from './driver.ts'
import { medianOfRounds } from './rounds.ts'

type Write = (ipvs: Ipvs, operations: readonly Operation[]) => Promise<void>

function call(ipvs: Ipvs, operation: Operation): Promise<void> {
  switch (operation.operation) {
    case 'addService':
      return ipvs.addService(operation.service)
    case 'removeService':
      return ipvs.removeService(operation.service)
    case 'addDestination':
      return ipvs.addDestination(operation.service, operation.destination)
    case 'updateDestination':
      return ipvs.updateDestination(operation.service, operation.destination, operation.patch)
    default:
      return ipvs.removeDestination(operation.service, operation.destination)
  }
}

/** One call with all operations. */
async function batch(ipvs: Ipvs, operations: readonly Operation[]): Promise<void> {
  const { applied, failures } = await ipvs.batch(operations)
  if (failures[0] !== undefined) throw failures[0].error
  if (applied !== operations.length) throw new Error(`${applied} of ${operations.length} applied`)
}

/** One call for each operation, all of them in one tick. */
async function inOneTick(ipvs: Ipvs, operations: readonly Operation[]): Promise<void> {
  await Promise.all(operations.map((operation) => call(ipvs, operation)))
}

/** One call for each operation, each awaited. */
async function oneByOne(ipvs: Ipvs, operations: readonly Operation[]): Promise<void> {
  for (const operation of operations) await call(ipvs, operation)
}

function checkCount(found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`${found} entries in place of ${wanted}`)
}

async function list(ipvs: Ipvs, table: Table, consistent: boolean): ReturnType<Ipvs['serviceTable']> {
  const services = await ipvs.serviceTable({ consistent })
  checkCount(services.length, table.services)
  return services
}

async function snapshot(ipvs: Ipvs, table: Table, consistent: boolean): ReturnType<Ipvs['snapshotTable']> {
  const services = await ipvs.snapshotTable({ consistent })
  checkCount(services.length, table.services)
  return services
}

type Read = (ipvs: Ipvs, table: Table) => Promise<unknown>

/** Long listings are lazy tables. `Visited`: each row becomes an object, is read, and dropped. */
const reads: Partial<Record<Phase, Read>> = {
  list: (ipvs, table) => list(ipvs, table, false),
  listConsistent: (ipvs, table) => list(ipvs, table, true),
  listVisited: async (ipvs, table) => {
    let visited = 0
    for (const service of await list(ipvs, table, false)) visited += service.scheduler === 'rr' ? 1 : 0
    checkCount(visited, table.services)
  },
  snapshot: (ipvs, table) => snapshot(ipvs, table, false),
  snapshotConsistent: (ipvs, table) => snapshot(ipvs, table, true),
  snapshotVisited: async (ipvs, table) => {
    let visited = 0
    for (const service of await snapshot(ipvs, table, false)) {
      for (const destination of service.destinations) visited += destination.weight
    }
    checkCount(visited, table.services * table.destinations)
  },
}

function single(ipvs: Ipvs, table: Table): Action {
  const [add, remove] = [operationsOf('add', table)?.[0], operationsOf('remove', table)?.[0]]
  if (add === undefined || remove === undefined) throw new Error('the table has no service')
  const seconds = (): Promise<number> => medianOfRounds(100, (index) => call(ipvs, index % 2 === 0 ? add : remove))
  return async () => ({ seconds: await seconds() })
}

function opener(write: Write): (table: Table) => Promise<Driver> {
  return async (table) => {
    const ipvs = await Ipvs.open({ timeoutMs: 600_000 })
    const action = (phase: Phase): Action | undefined => {
      if (phase === 'single') return single(ipvs, table)
      const read = reads[phase]
      if (read !== undefined) return async () => ({ result: await read(ipvs, table) })
      const operations = operationsOf(phase, table)
      if (operations === undefined) return undefined
      return async () => ({ result: await write(ipvs, operations) })
    }
    return { action, close: () => ipvs.close() }
  }
}

/** Fills and empties a table in the namespace `netns`, to warm the program up. */
export async function fillAndEmpty(table: Table, netns: string): Promise<void> {
  await using ipvs = await Ipvs.open({ netns })
  for (const phase of ['add', 'update', 'removeDestinations', 'remove'] as const) {
    await batch(ipvs, operationsOf(phase, table) ?? [])
  }
}

export const openBatch: (table: Table) => Promise<Driver> = opener(batch)
export const openTick: (table: Table) => Promise<Driver> = opener(inOneTick)
export const openAwaited: (table: Table) => Promise<Driver> = opener(oneByOne)
