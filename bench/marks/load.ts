// Loads rules into the current network namespace and prints the time: node load.js DRIVER N
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { FirewallMarks, type MarkRule } from 'ipvs'

import type { DriverName } from './plan.ts'
import { exactRules, iptablesText, mapText, nftRulesText, rangeRules } from './rules.ts'

const timeoutMs = 600_000

interface Taken {
  readonly seconds: number
  /** CPU time of all threads, including system time, and of finished child processes. */
  readonly cpuSeconds: number
}

/** Prepares its input before the clock starts. */
type Load = (n: number, folder: string) => Promise<Taken>

const ticksPerSecond = 100

function cpuSeconds(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  // After the name: utime, stime, cutime and cstime are fields 14 to 17.
  const times = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
  return times.reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond
}

async function timed(work: () => Promise<unknown>): Promise<Taken> {
  const cpu = cpuSeconds()
  const start = performance.now()
  await work()
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: cpuSeconds() - cpu }
}

async function checkCount(marks: FirewallMarks, wanted: number): Promise<void> {
  const { length } = await marks.list()
  if (length !== wanted) throw new Error(`${length} rules in place of ${wanted}`)
}

async function replace(rules: readonly MarkRule[]): Promise<Taken> {
  await using marks = await FirewallMarks.open({ timeoutMs })
  const taken = await timed(() => marks.replace(rules))
  await checkCount(marks, rules.length)
  return taken
}

const rounds = 10

/** Runs in another namespace with fewer rules: in its first second JavaScript spends most of its time on compilation. */
async function warmUp(n: number): Promise<void> {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo ready && exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
    await using marks = await FirewallMarks.open({ netns: `/proc/${child.pid}/ns/net`, timeoutMs })
    const rules = exactRules(Math.min(n, 1000))
    for (let round = 0; round < rounds; round++) {
      await marks.replace(rules)
      await marks.replace([])
    }
  } finally {
    child.kill()
  }
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(signal ?? code))
  })
  if (status !== 0) throw new Error(`${command} ended with ${String(status)}`)
}

/** Measures a program that reads a file, from spawn to exit. */
function ofFile(command: string, args: readonly string[], text: (n: number) => string): Load {
  return (n, folder) => {
    const file = path.join(folder, 'rules')
    writeFileSync(file, text(n))
    return timed(() => run(command, [...args, file]))
  }
}

/** Checks that our API reads the loaded table. */
function checked(load: Load): Load {
  return async (n, folder) => {
    const taken = await load(n, folder)
    await using marks = await FirewallMarks.open({ timeoutMs })
    await checkCount(marks, n)
    return taken
  }
}

const program = fileURLToPath(new URL('program.js', import.meta.url))

const loads: Readonly<Record<DriverName, Load>> = {
  none: () => timed(async () => {}),
  ours: (n) => replace(exactRules(n)),
  warm: async (n) => {
    const rules = exactRules(n)
    await warmUp(n)
    return replace(rules)
  },
  program: checked(ofFile(process.execPath, [program], (n) => JSON.stringify(exactRules(n)))),
  'nft-map': checked(ofFile('nft', ['-f'], (n) => mapText(n, 'exact4'))),
  ranges: (n) => replace(rangeRules(n)),
  pipapo: checked(ofFile('nft', ['-f'], (n) => mapText(n, 'ranges4'))),
  nft: ofFile('nft', ['-f'], nftRulesText),
  'iptables-nft': ofFile('iptables-nft-restore', [], iptablesText),
  'iptables-legacy': ofFile('iptables-legacy-restore', [], iptablesText),
}

const [, , driver, n] = process.argv
const folder = mkdtempSync(path.join(tmpdir(), 'bench-marks-'))
try {
  const taken = await loads[driver as DriverName](Number(n), folder)
  console.log(JSON.stringify(taken))
} finally {
  rmSync(folder, { recursive: true })
}
