// How many probes this process may have in flight.
import { readFileSync, readdirSync } from 'node:fs'

/** In flight at once, when there are enough descriptors. */
export const usualCap = 400
/** Descriptors for everything that is no probe. */
const reserve = 64

/** Half of the descriptors that are still free, at least 4 and at most {@link usualCap}. */
export function capFor(limit: number, open: number): number {
  return Math.max(4, Math.min(usualCap, Math.floor((limit - open - reserve) / 2)))
}

/** The cap of this process now. Node.js raises the soft limit to the hard one when it starts. */
export function probeCap(): number {
  const line = /^Max open files +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  const limit = line?.[1] === undefined || line[1] === 'unlimited' ? Infinity : Number(line[1])
  return capFor(limit, readdirSync('/proc/self/fd').length)
}
