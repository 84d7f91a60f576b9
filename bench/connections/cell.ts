// Reads the connection table once and prints how long it took: node --expose-gc cell.js DRIVER CONNECTIONS
// DRIVER `pause`: prints the longest pause of the event loop, and the number of buckets.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Ipvs } from 'ipvs'

import type { DriverName } from './plan.ts'

const file = '/proc/net/ip_vs_conn'
const buffer = Buffer.allocUnsafe(65_536)
const [driver, count] = process.argv.slice(2)

const run = (command: string, ...args: string[]): void => {
  const { status, error } = spawnSync(command, args, { stdio: 'ignore' })
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? `status ${status}`}`)
}

async function table(ipvs: Ipvs): Promise<void> {
  const { length } = await ipvs.connectionTable()
  if (length !== Number(count)) throw new Error(`${length} connections instead of ${count}`)
}

const actions: Record<DriverName, (ipvs: Ipvs) => unknown> = {
  read() {
    const descriptor = openSync(file, 'r')
    while (readSync(descriptor, buffer) > 0);
    closeSync(descriptor)
  },
  cat: () => run('cat', file),
  table,
  ipvsadm: () => run('ipvsadm', '-Lnc'),
  split: () =>
    readFileSync(file, 'latin1')
      .split('\n')
      .slice(1)
      .map((line) => line.split(/\s+/)).length,
}

async function measure(ipvs: Ipvs, action: (ipvs: Ipvs) => unknown): Promise<Record<string, number>> {
  globalThis.gc?.()
  const processor = process.cpuUsage()
  const start = performance.now()
  await action(ipvs)
  const seconds = (performance.now() - start) / 1000
  return { seconds, userSeconds: process.cpuUsage(processor).user / 1e6 }
}

async function longestPause(ipvs: Ipvs): Promise<Record<string, number>> {
  const { connectionTableSize: buckets } = await ipvs.info()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await table(ipvs)
  delay.disable()
  return { pause: delay.max / 1e6 - 1, buckets }
}

const ipvs = await Ipvs.open({ timeoutMs: 60_000 })
await ipvs.connectionTable({ limit: 1 }) // warm-up: loads the code, as in a long-running program
const values = driver === 'pause' ? await longestPause(ipvs) : await measure(ipvs, actions[driver as DriverName])
console.log(JSON.stringify(values))
await ipvs.close()
