// The command line of `npm run bench`.
import { BenchError } from './bench-error.ts'
import { choiceOptions, chosen, commonOptions, count, counts, list, parseWords } from './command-line.ts'
import type { Choice } from './plan.ts'
import { driverNames, trials } from './trials/trials.ts'

export interface Arguments extends Choice {
  readonly help: boolean
  /** Kernels of the lab; empty with `direct`. */
  readonly kernels: readonly string[]
  readonly direct: boolean
  readonly json: string | undefined
  readonly from: readonly string[]
  readonly save: boolean
}

const defaultKernels = ['6.1', '6.12', 'newest']

export const usage: string = `usage: npm run bench -- [OPTION]...

Measures this package, its peers and the kernel's limit, on kernels of the lab; prints a table of ratios.

  --kernels LIST   kernels of the lab, default ${defaultKernels.join(',')}
  --direct         uses this host's kernel instead; needs root and IPVS
  --trials LIST    of ${trials.map((trial) => trial.name).join(', ')};
                   or prefixes of these names
  --drivers LIST   of ${driverNames.join(', ')};
                   the reference of a trial is always measured
  --sizes LIST     values of N, instead of each trial's own
  --repeat COUNT   repetitions, default 3
  --json FILE      writes the figures to FILE
  --from FILE      shows figures of --json instead of measuring; may be given more than once
  --save           writes bench/results.md and bench/results.svg
`

function chosenTrials(words: readonly string[] | undefined): string[] | undefined {
  return words?.flatMap((word) => {
    const found = trials.filter((trial) => trial.name.startsWith(word))
    if (found.length === 0) throw new BenchError(`--trials: no trial "${word}"`)
    return found.map((trial) => trial.name)
  })
}

export function parseArguments(args: readonly string[]): Arguments {
  const values = parseWords(args, { ...commonOptions, ...choiceOptions })
  const direct = values.direct ?? false
  if (direct && values.kernels !== undefined) throw new BenchError('--direct uses the running kernel: no --kernels')
  return {
    help: values.help ?? false,
    direct,
    kernels: direct ? [] : (list(values.kernels) ?? defaultKernels),
    trials: chosenTrials(list(values.trials)),
    drivers: chosen('--drivers', values.drivers, driverNames),
    sizes: counts('--sizes', values.sizes),
    repeat: count('--repeat', values.repeat ?? '3'),
    json: values.json,
    from: values.from ?? [],
    save: values.save ?? false,
  }
}
