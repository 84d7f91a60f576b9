// Counters of a whole network namespace, from files of /proc: netlink has no command for them.
import type { Statistics } from '../services/statistics.ts'

/** Counters of one CPU. */
export interface CpuStatistics extends Omit<Statistics, 'rates'> {
  /** Number of the CPU. */
  readonly cpu: number
}

/**
 * Totals of all services since the module was loaded, or since `zeroCounters()`. Totals and rates are up to 2 seconds old, as
 * for services. Counters per CPU are current, and `zeroCounters` does not reset them.
 */
export interface TotalStatistics extends Statistics {
  /** Counters of each possible CPU. */
  readonly cpus: readonly CpuStatistics[]
}

type Counters = Omit<Statistics, 'rates'>

const HEXADECIMAL = /^[0-9A-F]{1,16}$/

// Splits a line into `count` hexadecimal numbers without prefix; `undefined` for any other line.
function numbersOf(line: string, count: number): string[] | undefined {
  const words = line.trim().split(/\s+/)
  return words.length === count && words.every((word) => HEXADECIMAL.test(word)) ? words : undefined
}

function counters(words: readonly string[]): Counters {
  const [connections, inPackets, outPackets, inBytes, outBytes] = words.map((word) => BigInt(`0x${word}`))
  return { connections, inPackets, outPackets, inBytes, outBytes } as Counters
}

/** Parses ip_vs_stats: two heading lines, counters, an empty line, headings, rates. `undefined` for any other format. */
export function parseTotals(text: string): Statistics | undefined {
  const lines = text.split('\n')
  const [totals, rates] = [lines[2] ?? '', lines[5] ?? ''].map((line) => numbersOf(line, 5))
  if (totals === undefined || rates === undefined || !/Conns\s+Packets\s+Packets\s+Bytes/.test(lines[1] ?? '')) {
    return undefined
  }
  const [connections = 0, inPackets = 0, outPackets = 0, inBytes = 0, outBytes = 0] = rates.map((word) =>
    Number.parseInt(word, 16),
  )
  return { ...counters(totals), rates: { connections, inPackets, outPackets, inBytes, outBytes } }
}

/** Parses ip_vs_stats_percpu: two heading lines, a line per CPU, a line of totals with `~`. `undefined` for any other format. */
export function parsePerCpu(text: string): CpuStatistics[] | undefined {
  const lines = text.split('\n')
  const cpus: CpuStatistics[] = []
  if (!/^CPU\s+Conns\s+Packets/.test(lines[1] ?? '')) return undefined
  for (const line of lines.slice(2)) {
    if (/^\s*~\s/.test(line)) return cpus
    const words = numbersOf(line, 6)
    if (words === undefined) return undefined
    const [cpu = '', ...rest] = words
    cpus.push({ cpu: Number.parseInt(cpu, 16), ...counters(rest) })
  }
  return undefined
}
