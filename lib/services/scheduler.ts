// Scheduler names, and the three service flags that are defined by the scheduler.
import { InvalidInput, list, oneOf, show } from '../values/validate.ts'

/** The kernel's schedulers. */
export const schedulers: readonly string[] = 'rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq twos none'.split(' ')

/**
 * Algorithm that selects the destination of a new connection: `rr` round robin, `wrr` weighted round robin, `lc` least
 * connections, `wlc` weighted least connections (the default), `lblc` and `lblcr` locality-based least connections, `dh`
 * and `sh` destination and source hashing, `mh` Maglev hashing (Linux 4.18), `sed` shortest expected delay, `nq` never
 * queue, `fo` weighted failover (3.18), `ovf` weighted overflow (4.3), `twos` the better of two random choices (not in
 * every kernel), `none` no new connections. Any other name selects the kernel module `ip_vs_NAME`.
 */
export type Scheduler =
  | 'rr'
  | 'wrr'
  | 'lc'
  | 'wlc'
  | 'fo'
  | 'ovf'
  | 'lblc'
  | 'lblcr'
  | 'dh'
  | 'sh'
  | 'mh'
  | 'sed'
  | 'nq'
  | 'twos'
  | 'none'
  | (string & {})

/**
 * A flag of the scheduler. `sh-fallback` and `mh-fallback`: select another destination if the hashed one is unavailable
 * (weight 0 or overloaded). `sh-port` and `mh-port`: hash the source port together with the address. `flag-1`, `flag-2` and
 * `flag-3` are the same bits for other schedulers. Like `ipvsadm -b`.
 */
export type SchedulerFlag = 'sh-fallback' | 'sh-port' | 'mh-fallback' | 'mh-port' | 'flag-1' | 'flag-2' | 'flag-3'

/** IP_VS_SVC_F_SCHED1, 2 and 3. */
export const SCHEDULER_FLAGS = 0x38

const bitOf: Readonly<Record<SchedulerFlag, number>> = {
  'sh-fallback': 0x08,
  'sh-port': 0x10,
  'mh-fallback': 0x08,
  'mh-port': 0x10,
  'flag-1': 0x08,
  'flag-2': 0x10,
  'flag-3': 0x20,
}
const flagNames = Object.keys(bitOf) as SchedulerFlag[]

/** Checks the name of a scheduler or engine, from which the kernel derives the name of the module that it requests. */
export function moduleName(value: unknown, path: string, examples: readonly string[]): string {
  if (examples.includes(value as string)) return value as string // the common case, faster than the regular expression
  if (typeof value === 'string' && /^[a-z0-9][a-z0-9_-]{0,14}$/.test(value)) return value
  const tidy = typeof value === 'string' ? value.trim().toLowerCase() : ''
  const meant = examples.includes(tidy) ? `; did you mean "${tidy}"?` : ''
  const accepted = `a name such as "${examples[0]}": 1 to 15 lower-case letters, digits, "-" or "_"`
  throw new InvalidInput(path, `${show(value)} is not ${accepted}${meant}`)
}

export function parseSchedulerFlags(value: unknown, path: string): SchedulerFlag[] {
  const names = list(value, path, flagNames.length).map((name, index) => oneOf(name, `${path}[${index}]`, flagNames))
  let seen = 0
  for (const [index, name] of names.entries()) {
    if (seen & bitOf[name])
      throw new InvalidInput(`${path}[${index}]`, `"${name}" is listed twice, or repeats a flag under another name`)
    seen |= bitOf[name]
  }
  return names
}

function schedulerOf(flag: SchedulerFlag): string | undefined {
  return flag.startsWith('flag-') ? undefined : flag.slice(0, 2)
}

/** True if a flag is named after a scheduler. */
export function dependOnScheduler(flags: readonly SchedulerFlag[]): boolean {
  return flags.some((flag) => schedulerOf(flag) !== undefined)
}

/** The bits of flags. Throws if a flag is named after another scheduler. */
export function schedulerFlagBits(flags: readonly SchedulerFlag[], scheduler: string, path: string): number {
  let bits = 0
  for (const [index, flag] of flags.entries()) {
    const wanted = schedulerOf(flag)
    if (wanted !== undefined && wanted !== scheduler) {
      throw new InvalidInput(
        `${path}[${index}]`,
        `"${flag}" is for scheduler "${wanted}", but the scheduler is "${scheduler}"`,
      )
    }
    bits |= bitOf[flag]
  }
  return bits
}

const noFlags: readonly SchedulerFlag[] = Object.freeze([])

/** Names of the scheduler's bits in the flags of a service. */
export function schedulerFlagsOf(flags: number, scheduler: string | undefined): readonly SchedulerFlag[] {
  if ((flags & SCHEDULER_FLAGS) === 0) return noFlags
  const own: readonly SchedulerFlag[] =
    scheduler === 'sh'
      ? ['sh-fallback', 'sh-port', 'flag-3']
      : scheduler === 'mh'
        ? ['mh-fallback', 'mh-port', 'flag-3']
        : ['flag-1', 'flag-2', 'flag-3']
  return own.filter((name) => flags & bitOf[name])
}
