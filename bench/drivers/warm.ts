// `batch` in a warm process: in its first second JavaScript spends most of its time on compilation.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Table } from '../trials/table.ts'
import type { Driver } from './driver.ts'
import { fillAndEmpty, openBatch } from './ours.ts'

const rounds = 4

/** The same kind of table, but small and with a cheap scheduler, for the warm-up. */
function smaller({ keys, services, destinations }: Table): Table {
  return { keys, services: Math.min(services, 1000), destinations: Math.min(destinations, 1000), scheduler: 'rr' }
}

/** The path of a network namespace that lives as long as the child. */
async function namespaceOf(child: ChildProcess): Promise<string> {
  const path = `/proc/${child.pid}/ns/net`
  // The child prints a line from inside the namespace.
  await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')])
  if (readlinkSync(path) === readlinkSync('/proc/self/ns/net')) throw new Error('no namespace to warm up in')
  return path
}

/** Warms up in another namespace: removed destinations would slow down the measurement. */
export async function openWarm(table: Table): Promise<Driver> {
  const script = 'ip link set lo up && echo ready && exec sleep 600'
  const child = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const netns = await namespaceOf(child)
    for (let round = 0; round < rounds; round++) await fillAndEmpty(smaller(table), netns)
  } finally {
    child.kill()
  }
  await sleep(100) // the kernel removes the namespace meanwhile
  return openBatch(table)
}
