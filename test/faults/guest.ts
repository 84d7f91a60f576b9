// Runs everything on the kernel that this process runs on, and stores what was found.
//   guest.js RESULT SHIM READER KERNEL [--whole] [--every N] [--minutes N] [--scenario TEXT] [--part NAME,...]
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FirewallMarks } from 'ipvs'
import { churn, growth } from './churn.ts'
import { kills } from './kill.ts'
import { life } from './life.ts'
import type { KernelResult, PartResult } from './results.ts'
import { sweep } from './sweep.ts'
import { command } from './world.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    whole: { type: 'boolean', default: false },
    every: { type: 'string' },
    minutes: { type: 'string' },
    scenario: { type: 'string' },
    part: { type: 'string' },
  },
})
const [result, shim, reader, kernel] = positionals as [string, string, string, string]
const { whole } = values
const tools = { shim, reader, work: mkdtempSync(join(tmpdir(), 'faults-')) }

// All faults take two minutes on a host and hours in the emulator: there as many passes are made as there is time for, and
// each kernel begins with others.
const EVERY = { whole: { host: 1, lab: 32 }, part: { host: 9, lab: 61 } }
const place = kernel === 'host' ? 'host' : 'lab'
const every = Number(values.every ?? EVERY[whole ? 'whole' : 'part'][place])
const first = Math.floor((every / 4) * Math.max(0, ['5.10', '6.1', '6.12', 'newest'].indexOf(kernel)))
const minutes = Number(values.minutes ?? 15)
const passes = whole ? every : 1
const markShards = kernel === 'host' ? 4 : 2
const often = { terminated: 200, exited: 200, forked: 200, opened: 1000, aborted: 500 }
const sometimes = { terminated: 3, exited: 3, forked: 3, opened: 50, aborted: 50 }

const parts: Readonly<Record<string, () => Promise<PartResult>>> = {
  faults: () => sweep({ tools, services: !bare, markShards, every, first, passes, minutes, scenario: values.scenario }),
  kills: () => kills(tools, whole ? Infinity : 3, minutes / 2),
  life: () => life(tools, whole ? often : sometimes, minutes / 5),
  churn: () => churn(tools, 3000, whole ? 20 : 5),
  growth: () => growth(tools, whole ? 200_000 : 10_000),
}

// A part that failed as a whole.
function broken(name: string, error: unknown): PartResult {
  return { name, figures: {}, findings: [{ trouble: 'broken', scenario: name, fault: '', text: String(error) }] }
}

// Says why this host cannot be used. Opening changes nothing.
async function hindrance(): Promise<string | undefined> {
  try {
    await (await FirewallMarks.open()).close()
    return undefined
  } catch (error) {
    return String(error)
  }
}

const skipped = kernel === 'host' ? await hindrance() : undefined
if (skipped !== undefined) {
  console.log(`skipped: ${skipped}`)
  process.exit(0)
}
// A host may have no IPVS: then there are marks to try, which at its speed is worth while.
const bare = kernel === 'host' && !existsSync('/proc/net/ip_vs')
if (kernel !== 'host') command('modprobe', '-a', 'ip_vs', 'nf_tables')
const start = performance.now()
const done: PartResult[] = []
for (const [name, run] of Object.entries(parts)) {
  if ((bare && !['faults', 'life'].includes(name)) || !(values.part ?? name).split(',').includes(name)) continue
  const begun = performance.now()
  const part = await run().catch((error: unknown) => broken(name, error))
  done.push(part)
  console.log(
    `${name}: ${JSON.stringify(part.figures)}, ${part.findings.length} findings, ${Math.round((performance.now() - begun) / 1000)} s`,
  )
}
const stored: KernelResult = {
  kernel,
  release: release(),
  whole,
  seconds: Math.round((performance.now() - start) / 1000),
  parts: done,
}
writeFileSync(result, `${JSON.stringify(stored, undefined, 2)}\n`)
process.exit(done.some(({ findings }) => findings.length > 0) ? 1 : 0)
