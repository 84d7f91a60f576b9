// A process that probes healthy servers while it is starved: it blocks its own event loop again and again, and takes all
// descriptors for a while. Prints what it counted. Run by starvation.test.ts with a low limit of descriptors.
import { closeSync, openSync } from 'node:fs'
import { usualCap, probeCap } from '../../../src/health/descriptors.ts'
import { Prober } from '../../../src/health/prober.ts'
import { probeAny } from '../../../src/health/probes/all.ts'
import { type Target, probeKey } from '../../../src/health/targets.ts'
import type { Check } from '../../../src/site/site.ts'

const [tcpPort = 0, httpPort = 0, blockMs = 0] = process.argv.slice(2).map(Number)

const limits = { connect: 1500, tls: 1500, firstByte: 1500, total: 1500 }
const from = { address: undefined, device: undefined }
const pace = { intervalMs: 1000, whileFailingMs: 300, whileDownMs: 1000, rise: 2, fall: 2 }
const common = { ...pace, limits, from, address: undefined, via: 'server' as const }
const status = [{ from: 200, to: 200 }]
const request = { method: 'GET', path: '/', host: undefined, headers: {}, status, body: undefined, tls: undefined }

function targetAt(index: number): Target {
  const check: Check =
    index < 1000
      ? { ...common, kind: 'tcp', port: tcpPort, send: undefined, expect: undefined, tls: undefined }
      : { ...common, ...request, kind: 'http', port: httpPort }
  const target = {
    address: `127.0.${String(index >> 8)}.${String(index & 255)}`,
    family: 'ipv4',
    mark: undefined,
  } as const
  return { key: probeKey(check, target), check, target, known: undefined, everyResult: true }
}

const cap = probeCap()
const prober = new Prober({ probe: probeAny, cap })
prober.change(
  Array.from({ length: 1400 }, (_, index) => targetAt(index)),
  [],
)

const counts = { cap, usualCap, success: 0, failure: 0, void: 0, late: 0, noDescriptor: 0, everDown: 0 }
const down = new Set<string>()
function count(): void {
  const batch = prober.take()
  counts.late += batch.late
  for (const { verdict, words, state, key } of batch.reports) {
    counts[verdict] += 1
    if (words.includes('EMFILE')) counts.noDescriptor += 1
    if (state === 'down') down.add(key)
  }
}

const sleep = async (ms: number): Promise<void> => await new Promise((resolve) => void setTimeout(resolve, ms))

function block(): void {
  const end = performance.now() + blockMs
  while (performance.now() < end);
}

/** Until there are no more. */
function takeDescriptors(): number[] {
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    return taken
  }
}

/** Until enough was seen; a slow machine needs more rounds. */
const enough = 20
for (let round = 0; round < 20 && (round < 4 || counts.late < enough); round += 1) {
  await sleep(400)
  block()
  count()
}
// Probes that end give descriptors back: taken again and again.
const taken: number[] = []
for (let round = 0; round < 400 && counts.noDescriptor < enough; round += 1) {
  taken.push(...takeDescriptors())
  await sleep(50)
  count()
}
for (const descriptor of taken) closeSync(descriptor)
for (let round = 0; round < 400 && counts.success < enough; round += 1) {
  await sleep(50)
  count()
}
counts.everDown = down.size
console.log(JSON.stringify(counts))
await prober.close()
process.exit(0)
