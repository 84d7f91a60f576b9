// The trials of the director and its peers, as data.

export const driverTitles = {
  director: 'this package: `ipvs-director run`',
  keepalived: '`keepalived --check`: its checkers without VRRP',
  ldirectord: 'ldirectord, `checktype=connect`, `quiescent=yes`',
} as const
export type DriverName = keyof typeof driverTitles
export const driverNames = Object.keys(driverTitles) as DriverName[]

export const trialTitles = {
  refused: 'a server process is killed: its port refuses connections',
  silent: "a server's network is cut: its connections get no answer",
  reload: 'a server is added to each service',
  checks: 'a minute of checks, all servers healthy',
} as const
export type TrialName = keyof typeof trialTitles
export const trialNames = Object.keys(trialTitles) as TrialName[]

/** `n`: services of `reload`, checks of `checks`, 0 otherwise. */
export interface Cell {
  readonly trial: TrialName
  readonly driver: DriverName
  readonly n: number
}

/** The input of the guest. */
export interface Plan {
  readonly cells: readonly Cell[]
  readonly repeat: number
}

/** Figures by name, or the reason why there are none. */
export interface CellResult extends Cell {
  readonly repetition: number
  readonly values?: Readonly<Record<string, number>>
  readonly error?: string
}

export const defaultChecks = [100, 1000] as const
export const defaultServices = 500

export function planOf(
  trials: readonly TrialName[],
  drivers: readonly DriverName[],
  checks: readonly number[],
  services: number,
): Cell[] {
  const sizes: Readonly<Record<TrialName, readonly number[]>> = {
    refused: [0],
    silent: [0],
    reload: [services],
    checks,
  }
  return trials.flatMap((trial) => sizes[trial].flatMap((n) => drivers.map((driver) => ({ trial, driver, n }))))
}
