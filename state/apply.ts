// Carries out the steps of `ipvs restore`, and knows how far it got.
import { IpvsError, type BatchOperation, type FirewallMarks, type Ipvs } from 'ipvs'
import type { Step } from './difference.ts'

/** What became of steps. */
export interface Applied {
  /** How many were carried out; the first ones, unless others failed before them. */
  readonly applied: number
  /** Those that failed and did not end it. */
  readonly failed: readonly FailedStep[]
  /** What ended it: the step behind those that were carried out, or everything, such as a missing permission. */
  readonly error?: IpvsError
}

export interface FailedStep {
  readonly step: Step
  readonly error: IpvsError
}

type Single = Exclude<Step, { name: 'change' }>

async function applyOne(step: Single, ipvs: Ipvs, marks: FirewallMarks | undefined): Promise<void> {
  switch (step.name) {
    case 'timeouts':
      return ipvs.setTimeouts(step.timeouts)
    case 'stopDaemon':
      return ipvs.stopSyncDaemon(step.role)
    case 'startDaemon':
      return ipvs.startSyncDaemon(step.daemon)
    case 'marks':
      return marks?.replace(step.rules)
    case 'nat':
      return marks?.replaceNat(step.rules)
    case 'repair':
      return marks?.repair()
  }
}

interface PartResult {
  readonly applied: number
  /** Of which step of the part. */
  readonly failures: readonly { readonly index: number; readonly error: IpvsError }[]
}

async function applyPart(
  part: Single | BatchOperation[],
  ipvs: Ipvs,
  marks: FirewallMarks | undefined,
  keepGoing: boolean,
): Promise<PartResult> {
  if (Array.isArray(part)) return ipvs.batch(part, { stopOnError: !keepGoing })
  try {
    await applyOne(part, ipvs, marks)
    return { applied: 1, failures: [] }
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error
    return { applied: 0, failures: [{ index: 0, error }] }
  }
}

// Changes that follow each other are one part, everything else is one by itself.
function parts(steps: readonly Step[]): (Single | BatchOperation[])[] {
  const all: (Single | BatchOperation[])[] = []
  for (const step of steps) {
    const last = all.at(-1)
    if (step.name !== 'change') all.push(step)
    else if (Array.isArray(last)) last.push(step.operation)
    else all.push([step.operation])
  }
  return all
}

/**
 * Carries out steps in their order, changes that follow each other in one batch. The first failure ends it; with `keepGoing`
 * only one that every other step would share.
 */
export async function applySteps(
  steps: readonly Step[],
  ipvs: Ipvs,
  marks: FirewallMarks | undefined,
  keepGoing = false,
): Promise<Applied> {
  let applied = 0
  let first = 0
  const failed: FailedStep[] = []
  try {
    for (const part of parts(steps)) {
      const result = await applyPart(part, ipvs, marks, keepGoing)
      applied += result.applied
      for (const { index, error } of result.failures) failed.push({ step: steps[first + index] as Step, error })
      first += Array.isArray(part) ? part.length : 1
      if (!keepGoing && failed[0] !== undefined) return { applied, failed: [], error: failed[0].error }
    }
    return { applied, failed }
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error
    for (const { index, error: reason } of error.batch?.failures ?? []) {
      if (keepGoing) failed.push({ step: steps[first + index] as Step, error: reason })
    }
    return { applied: applied + (error.batch?.applied ?? 0), failed, error }
  }
}
