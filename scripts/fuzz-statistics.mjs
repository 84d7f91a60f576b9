// Parses mutations of ip_vs_stats and ip_vs_stats_percpu: the parser must return undefined, or numbers that are all in the text,
// and never throw.
//   node scripts/fuzz-statistics.mjs [runs] [seed]
import { parsePerCpu, parseTotals } from '../dist/connections/total-statistics.js'

const runs = Number(process.argv[2] ?? 1_000_000)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000_007)

const totals = `   Total Incoming Outgoing         Incoming         Outgoing
   Conns  Packets  Packets            Bytes            Bytes
       5       1E        C              BE8              4D0

 Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
       0        2        1               A0               3C
`
const perCpu = `       Total Incoming Outgoing         Incoming         Outgoing
CPU    Conns  Packets  Packets            Bytes            Bytes
  0        5       1E        C              BE8              4D0
  1        0        0        0                0                0
  ~        5       1E        C              BE8              4D0

     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
           0        2        1               A0               3C
`

// xorshift: reproducible by seed.
let state = seed || 1
function random(below) {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % below
}

const letters = '0123456789ABCDEFabcdefxX~-+. \t\n\r\0:/nGZé'
function mutated(text) {
  let result = text
  for (let changes = 1 + random(4); changes > 0; changes--) {
    const at = random(result.length + 1)
    const kind = random(4)
    if (kind === 0) result = result.slice(0, at) + letters[random(letters.length)] + result.slice(at + 1)
    else if (kind === 1) result = result.slice(0, at) + letters[random(letters.length)] + result.slice(at)
    else if (kind === 2) result = result.slice(0, at) + result.slice(at + 1 + random(12))
    else
      result =
        result.slice(0, at) + result.slice(random(result.length + 1), random(result.length + 1)) + result.slice(at)
  }
  return result
}

// Checks that every counter is in the text and that rates are numbers.
function check(text, counters) {
  for (const name of ['connections', 'inPackets', 'outPackets', 'inBytes', 'outBytes']) {
    const digits = counters[name].toString(16)
    if (!new RegExp(`(^|\\s)0*${digits}(\\s|$)`, 'i').test(text)) throw new Error(`${digits} is not in the text`)
    const rate = counters.rates?.[name] ?? 0
    if (!(rate >= 0)) throw new Error(`${rate} is no rate`)
  }
}

let read = 0
for (let run = 0; run < runs; run++) {
  const percpu = run % 2 === 1
  const text = mutated(percpu ? perCpu : totals)
  try {
    const found = percpu ? parsePerCpu(text) : parseTotals(text)
    if (found === undefined) continue
    read++
    for (const counters of Array.isArray(found) ? found : [found]) check(text, counters)
  } catch (error) {
    console.error(`statistics: run ${run} of seed ${seed}: ${error.message}\n${JSON.stringify(text)}`)
    process.exit(1)
  }
}
if (read === 0) {
  console.error('statistics: not one text was read')
  process.exit(1)
}
console.log(`statistics: nothing found in ${runs} runs (seed ${seed}, ${read} read)`)
