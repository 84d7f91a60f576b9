// Reading the connection table, against everything else that reads it. In the lab, as root, from the root of the checkout:
//   npm run lab -- --timeout 3000 sh -c 'node bench/connections/trial.mjs 10000 100000'
// For each number of connections it prints one line of JSON: medians of interleaved rounds. Ratios mean something, times do not.
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, readSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Ipvs } from '../../dist/index.js'

const ROUNDS = Number(process.env['ROUNDS'] ?? 5)
const FILE = '/proc/net/ip_vs_conn'
const sh = (text) => execFileSync('sh', ['-ec', text], { stdio: ['ignore', 'inherit', 'inherit'] })

// Starts itself again in a network namespace of its own, where the file is that of the namespace.
if (process.env['INSIDE'] === undefined) {
  // Old kernels keep this size; Linux 7 takes it for the most, and grows.
  sh(
    `rmmod ip_vs 2>/dev/null || true; modprobe ip_vs conn_tab_bits=${process.env['BITS'] ?? 20}; ip netns add connections`,
  )
  const args = ['netns', 'exec', 'connections', process.execPath, '--expose-gc', ...process.argv.slice(1)]
  const { status } = spawnSync('ip', args, { stdio: 'inherit', env: { ...process.env, INSIDE: '1' } })
  process.exit(status ?? 1)
}

// Everything comes in over lo and would go out through a device that swallows it.
sh(`
  ip link set lo up
  ip addr add 192.168.1.11/32 dev lo
  ip link add hole type dummy
  ip addr add 10.1.0.1/24 dev hole
  ip link set hole up
  ip neigh add 10.1.0.2 lladdr 02:00:00:00:00:02 dev hole
  sysctl -qw net.ipv4.conf.all.rp_filter=0
`)
const folder = mkdtempSync(join(tmpdir(), 'connections-'))
const fill = process.env['FILL'] ?? join(folder, 'fill')
if (process.env['FILL'] === undefined) sh(`gcc -O2 -o ${fill} bench/connections/fill.c`)

const ipvs = await Ipvs.open({ timeoutMs: 60_000 })
const service = { protocol: 'udp', address: '192.168.1.11', port: 53 }
await ipvs.setTimeouts({ udpSeconds: 36_000 })
await ipvs.addService({ ...service, scheduler: 'rr' })
await ipvs.addDestination(service, { address: '10.1.0.2', forwarding: 'direct' })

const buffer = Buffer.allocUnsafe(65_536)
const ways = {
  // What a program can reach at best: nothing but read(2).
  read() {
    const fd = openSync(FILE, 'r')
    while (readSync(fd, buffer) > 0);
    closeSync(fd)
  },
  cat: () => spawnSync('cat', [FILE], { stdio: 'ignore' }),
  ipvsadm: () => spawnSync('ipvsadm', ['-Lnc'], { stdio: 'ignore' }),
  table: async () => ipvs.connectionTable(),
  split: () =>
    readFileSync(FILE, 'latin1')
      .split('\n')
      .slice(1)
      .map((line) => line.split(/\s+/)).length,
}

const ratio = (left, right) => Number((left / right).toFixed(2))
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

async function measure(way) {
  globalThis.gc()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.cpuUsage()
  const start = performance.now()
  const result = await way()
  const wall = performance.now() - start
  const { user } = process.cpuUsage(cpu)
  delay.disable()
  return { wall, user: user / 1000, delay: delay.max / 1e6, length: result?.length }
}

let filled = 0
for (const count of process.argv.slice(2).map(Number)) {
  // Sources that are there already keep their connection.
  execFileSync(fill, [service.address, String(service.port), String(count)])
  filled = (await ipvs.connectionTable()).length
  if (filled !== count) console.error(`${filled} connections instead of ${count}`)
  const samples = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  const rounds = count > 200_000 ? Math.min(3, ROUNDS) : ROUNDS
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const sample = await measure(way)
      samples[name].push(sample)
      if (process.env['VERBOSE']) console.error(`${count} ${name} ${sample.wall.toFixed(0)} ms`)
    }
  }
  const { connectionTableSize: buckets } = await ipvs.info()
  const of = (name, what) => Number(median(samples[name].map((sample) => sample[what])).toFixed(1))
  const table = of('table', 'wall')
  console.log(
    JSON.stringify({
      kernel: release(),
      count,
      buckets,
      wallMs: Object.fromEntries(Object.keys(ways).map((name) => [name, of(name, 'wall')])),
      tableToRead: ratio(table, of('read', 'wall')),
      tableToCat: ratio(table, of('cat', 'wall')),
      ipvsadmToTable: ratio(of('ipvsadm', 'wall'), table),
      splitToTable: ratio(of('split', 'wall'), table),
      // In user space beyond what reading alone takes there.
      splitUserMs: of('split', 'user'),
      tableUserMs: of('table', 'user'),
      splitUserToTableUser: ratio(of('split', 'user'), of('table', 'user')),
      longestDelayMs: of('table', 'delay'),
    }),
  )
}
await ipvs.close()
