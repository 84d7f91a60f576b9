// Compares readers of the connection table. Runs on the measured kernel: reads a plan as a line of JSON from stdin, and prints a
// line of JSON per figure.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { arch, cpus, release, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ipvs } from 'ipvs'

import type { Place } from '../guest-process.ts'
import type { CellResult, Plan } from './plan.ts'

const cell = fileURLToPath(new URL('cell.js', import.meta.url))
/** Longer passes are not repeated to measure the event loop. */
const longSeconds = 30
/** Fixed number of buckets on old kernels (2^20), the maximum on Linux 7. */
const tableBits = 20

const sh = (text: string): void => {
  execFileSync('sh', ['-ec', text], { stdio: ['ignore', 'inherit', 'inherit'] })
}

// Restarts itself in a new network namespace, which has its own connection file.
if (process.env['INSIDE'] === undefined) {
  sh(`rmmod ip_vs 2>/dev/null || true; modprobe ip_vs conn_tab_bits=${tableBits}`)
  const args = ['--net', process.execPath, ...process.argv.slice(1)]
  const { status } = spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, INSIDE: '1' } })
  process.exit(status ?? 1)
}

// Packets arrive over lo and leave through a dummy device.
sh(`
  ip link set lo up
  ip addr add 192.168.1.11/32 dev lo
  ip link add hole type dummy
  ip addr add 10.1.0.1/24 dev hole
  ip link set hole up
  ip neigh add 10.1.0.2 lladdr 02:00:00:00:00:02 dev hole
  for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$file; done
`)
const fill = path.join(mkdtempSync(path.join(tmpdir(), 'connections-')), 'fill')
const source = fileURLToPath(new URL('../../../bench/connections/fill.c', import.meta.url))
sh(`gcc -O2 -o ${fill} ${source}`)

const { sizes, drivers, repeat } = JSON.parse(readFileSync(0, 'utf8')) as Plan
console.log(JSON.stringify({ release: release(), arch: arch(), cpus: cpus().length } satisfies Place))

const ipvs = await Ipvs.open({ timeoutMs: 60_000 })
const service = { protocol: 'udp', address: '192.168.1.11', port: 53 } as const
await ipvs.setTimeouts({ udpSeconds: 36_000 })
await ipvs.addService({ ...service, scheduler: 'rr' })
await ipvs.addDestination(service, { address: '10.1.0.2', forwarding: 'direct' })

const values = (driver: string, n: number): Record<string, number> => {
  const args = ['--expose-gc', cell, driver, String(n)]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Record<string, number>
}
const tell = (result: CellResult): void => console.log(JSON.stringify(result))

for (const n of sizes) {
  execFileSync(fill, [service.address, String(service.port), String(n)]) // existing connections stay
  let longest = 0
  for (let repetition = 0; repetition < repeat; repetition++) {
    for (const driver of drivers) {
      const told = values(driver, n)
      if (driver === 'table') longest = Math.max(longest, told['seconds'] ?? 0)
      tell({ n, driver, repetition, values: told })
    }
    // In a separate pass: sampling the loop a thousand times per second takes CPU time.
    if (longest < longSeconds) tell({ n, driver: 'table', repetition, values: values('pause', n) })
  }
}
await ipvs.close()
