// Which cells there are, and in which order.
import { drivers } from './drivers/drivers.ts'
import { trials, type DriverName, type Trial } from './trials/trials.ts'

/** What one process measures. */
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
  // Without what it is compared with, a figure says nothing.
  return trial.drivers.filter((name) => chosen === undefined || chosen.includes(name) || name === trial.reference)
}

/** Repetitions outermost: whatever else the machine does meanwhile hits all drivers alike. */
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
