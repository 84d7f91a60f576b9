// The C program in ../limit, as `limit` and as `loop`.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import type { Table } from '../trials/table.ts'
import type { Phase } from '../trials/trials.ts'
import type { Driver } from './driver.ts'

/** Compiled by main.ts; this file runs as out/bench/drivers/limit.js. */
export const program: string = fileURLToPath(new URL('../bin/limit', import.meta.url))

/** More than about a hundred messages per datagram gain nothing. */
const perDatagram = '250'

const phases: ReadonlySet<Phase> = new Set([
  'add',
  'update',
  'removeDestinations',
  'remove',
  'list',
  'snapshot',
  'single',
])

/** Returns the seconds of a phase; throws if the kernel refuses a request or returns a wrong number of entries. */
export function runLimit(way: string, table: Table, phase: Phase): number {
  const { keys, services, destinations, scheduler } = table
  const args = [way, keys, String(services), String(destinations), scheduler, phase]
  const done = spawnSync(program, args, { encoding: 'utf8' })
  if (done.error !== undefined) throw done.error
  if (done.status !== 0) throw new Error(`limit ${args.join(' ')}: ${done.stderr.trim()}`)
  const seconds = (JSON.parse(done.stdout) as Partial<Record<Phase, number>>)[phase]
  if (seconds === undefined) throw new Error(`limit ${args.join(' ')} did not report ${phase}`)
  return seconds
}

function openWay(way: string, table: Table): Driver {
  return {
    action: (phase) => (phases.has(phase) ? async () => ({ seconds: runLimit(way, table, phase) }) : undefined),
    close: async () => {},
  }
}

export const openLimit = async (table: Table): Promise<Driver> => openWay(perDatagram, table)
export const openLoop = async (table: Table): Promise<Driver> => openWay('loop', table)
