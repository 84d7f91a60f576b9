// The cells and their order.
import { drivers } from './drivers/drivers.ts'
import { trials, type DriverName, type Trial } from './trials/trials.ts'

/** The unit that one process measures. */
export interface Cell {
  readonly trial: string
  readonly driver: DriverName
  readonly n: number
  readonly repetition: number
}

export interface Choice {
  readonly trials: readonly string[] | undefined
  readonly drivers: readonly DriverName[] | undefined
  readonly sizes: readonly number[] | undefined
  readonly repeat: number
}

export interface CellResult extends Cell {
  readonly values?: Readonly<Record<string, number>>
  readonly error?: string
}

export function trialNamed(name: string): Trial {
  const trial = trials.find((candidate) => candidate.name === name)
  if (trial === undefined) throw new RangeError(`no trial ${name}`)
  return trial
}

function driversOf(trial: Trial, chosen: readonly DriverName[] | undefined): readonly DriverName[] {
  // A figure needs its reference.
  return trial.drivers.filter((name) => chosen === undefined || chosen.includes(name) || name === trial.reference)
}

/** Repetitions are the outer loop, so that other load on the machine affects all drivers alike. */
export function planCells(choice: Choice): Cell[] {
  const cells: Cell[] = []
  for (let repetition = 0; repetition < choice.repeat; repetition++) {
    for (const trial of trials) {
      if (choice.trials !== undefined && !choice.trials.includes(trial.name)) continue
      const sizes = trial.fixed === true ? trial.sizes : (choice.sizes ?? trial.sizes)
      for (const n of sizes) {
        for (const driver of driversOf(trial, choice.drivers)) {
          if (n > (drivers[driver].mostItems ?? Infinity)) continue
          cells.push({ trial: trial.name, driver, n, repetition })
        }
      }
    }
  }
  return cells
}
