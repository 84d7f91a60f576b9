// The trials of firewall marks, as data.

/** `packets`: nanoseconds per packet; `load`: seconds to load N rules. */
export const trialNames = ['packets', 'load'] as const
export type TrialName = (typeof trialNames)[number]

/** The rules that the packets of a stream hit: all in mixed order, the last one, none. */
export const streams = ['spread', 'last', 'miss'] as const
export type Stream = (typeof streams)[number]

export const driverNames = [
  'none',
  'ours',
  'warm',
  'program',
  'nft-map',
  'ranges',
  'pipapo',
  'nft',
  'iptables-nft',
  'iptables-legacy',
] as const
export type DriverName = (typeof driverNames)[number]

interface Driver {
  readonly title: string
  readonly trials: readonly TrialName[]
  /** Larger N would take too long. */
  readonly mostItems?: number
}

export const drivers: Readonly<Record<DriverName, Driver>> = {
  none: { title: 'no rules: what a packet costs anyway', trials: ['packets'] },
  ours: { title: 'this package, one call of replace() in a fresh process: a hash map', trials: ['packets', 'load'] },
  warm: { title: 'the same call in a process that has done it before', trials: ['load'] },
  program: {
    title: 'a process of Node.js that reads the rules from a JSON file and calls replace(), from spawn to exit',
    trials: ['load'],
  },
  'nft-map': { title: '`nft -f` with the same hash map, from spawn to exit', trials: ['load'] },
  ranges: {
    title: 'this package, one call of replace() with two ports for each rule, in a fresh process: an interval map',
    trials: ['packets', 'load'],
    mostItems: 10_000,
  },
  pipapo: {
    title: '`nft -f` with the exact elements of `nft-map`, but in an interval map',
    trials: ['packets', 'load'],
  },
  nft: { title: '`nft -f` with a rule for each service', trials: ['packets', 'load'] },
  'iptables-nft': { title: '`iptables-nft-restore` with a rule for each service', trials: ['packets', 'load'] },
  'iptables-legacy': { title: '`iptables-legacy-restore` with a rule for each service', trials: ['packets', 'load'] },
}

const sizes: Readonly<Record<TrialName, readonly number[]>> = {
  packets: [1, 1000, 10_000, 50_000],
  load: [1000, 10_000, 50_000],
}

/** One driver at one N. */
export interface Cell {
  readonly trial: TrialName
  readonly driver: DriverName
  readonly n: number
}

export interface CellResult extends Cell {
  readonly repetition: number
  readonly values?: Readonly<Record<string, number>>
  readonly error?: string
}

/** The input of the guest. */
export interface Plan {
  readonly cells: readonly Cell[]
  readonly repeat: number
}

export interface Choice {
  readonly trials: readonly TrialName[] | undefined
  readonly drivers: readonly DriverName[] | undefined
  readonly sizes: readonly number[] | undefined
}

/** Always measured, as references. */
const references: readonly DriverName[] = ['none', 'ours', 'nft-map']

function isWanted(name: DriverName, trial: TrialName, n: number, chosen: readonly DriverName[] | undefined): boolean {
  const { trials, mostItems = Infinity } = drivers[name]
  return trials.includes(trial) && n <= mostItems && (chosen?.includes(name) ?? true)
}

export function planCells(choice: Choice): Cell[] {
  const chosen = choice.drivers && [...choice.drivers, ...references]
  return (choice.trials ?? trialNames).flatMap((trial) =>
    (choice.sizes ?? sizes[trial]).flatMap((n) =>
      driverNames.filter((name) => isWanted(name, trial, n, chosen)).map((driver) => ({ trial, driver, n })),
    ),
  )
}
