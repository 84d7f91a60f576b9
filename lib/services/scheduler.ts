// Schedulers, and the three flag bits of a service that belong to its scheduler.
import { InvalidInput, list, oneOf, show } from '../values/validate.ts'

/** The kernel's schedulers. */
export const schedulers: readonly string[] = 'rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq twos none'.split(' ')

/**
 * How connections are spread over the destinations: `rr` round robin, `wrr` weighted round robin, `lc` least
 * connections, `wlc` weighted least connections (the default), `lblc` and `lblcr` locality-based, `dh` and `sh` hashing
 * of destination or source, `mh` Maglev hashing (Linux 4.18), `sed` shortest expected delay, `nq` never queue, `fo`
 * weighted failover (3.18), `ovf` weighted overflow (4.3), `twos` the better of two random choices (not in every kernel),
 * `none` no new connections. Any other name is taken for a kernel module `ip_vs_NAME`, which the kernel loads.
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
 * A flag of the scheduler. `sh-fallback` and `mh-fallback`: choose another destination when the hashed one is not
 * available (weight 0 or overloaded). `sh-port` and `mh-port`: hash the source port with the address. The same bits under
 * neutral names, for other schedulers: `flag-1`, `flag-2`, `flag-3`. Like `ipvsadm -b`.
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

/** Checks a name that the kernel makes a module's name of and asks user space to load. */
export function moduleName(value: unknown, path: string, examples: readonly string[]): string {
  if (examples.includes(value as string)) return value as string // as nearly always, and faster
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
      throw new InvalidInput(`${path}[${index}]`, `"${name}" is there twice, or under another name`)
    seen |= bitOf[name]
  }
  return names
}

function schedulerOf(flag: SchedulerFlag): string | undefined {
  return flag.startsWith('flag-') ? undefined : flag.slice(0, 2)
}

/** Whether the flags fit only some scheduler. */
export function dependOnScheduler(flags: readonly SchedulerFlag[]): boolean {
  return flags.some((flag) => schedulerOf(flag) !== undefined)
}

/** The bits of flags, which must be meant for `scheduler`. */
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

/** Names of the scheduler's bits among the flags of a service. */
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
