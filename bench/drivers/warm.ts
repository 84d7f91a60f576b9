// `batch` in a process whose code has run before: most of what JavaScript costs in its first second is compiling it.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Table } from '../trials/table.ts'
import type { Driver } from './driver.ts'
import { fillAndEmpty, openBatch } from './ours.ts'

const rounds = 4

/** The same kind of table, but of a size, and with a scheduler, that warms up and no more. */
function smaller({ keys, services, destinations }: Table): Table {
  return { keys, services: Math.min(services, 1000), destinations: Math.min(destinations, 1000), scheduler: 'rr' }
}

/** The path of a network namespace that lives as long as the child. */
async function namespaceOf(child: ChildProcess): Promise<string> {
  const path = `/proc/${child.pid}/ns/net`
  // The line comes from inside.
  await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')])
  if (readlinkSync(path) === readlinkSync('/proc/self/ns/net')) throw new Error('no namespace to warm up in')
  return path
}

/** Not in the namespace that is measured: destinations that were removed would slow down what follows. */
export async function openWarm(table: Table): Promise<Driver> {
  const script = 'ip link set lo up && echo ready && exec sleep 600'
  const child = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const netns = await namespaceOf(child)
    for (let round = 0; round < rounds; round++) await fillAndEmpty(smaller(table), netns)
  } finally {
    child.kill()
  }
  await sleep(100) // the namespace goes meanwhile
  return openBatch(table)
}
