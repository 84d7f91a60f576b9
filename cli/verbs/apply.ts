// Carries out the steps of `ipvs restore`, and knows how far it got.
import { IpvsError, type BatchOperation, type FirewallMarks, type Ipvs } from 'ipvs'
import type { Step } from './difference.ts'

/** What became of steps: so many of them were carried out, the first ones, and the next one failed if there is an error. */
export interface Applied {
  readonly applied: number
  readonly error?: IpvsError
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
  }
}

async function applyChanges(operations: readonly BatchOperation[], ipvs: Ipvs): Promise<Applied> {
  const { applied, failures } = await ipvs.batch(operations, { stopOnError: true })
  return failures[0] === undefined ? { applied } : { applied, error: failures[0].error }
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

/** Carries out steps in their order, changes that follow each other in one batch. The first failure ends it. */
export async function applySteps(
  steps: readonly Step[],
  ipvs: Ipvs,
  marks: FirewallMarks | undefined,
): Promise<Applied> {
  let done = 0
  try {
    for (const part of parts(steps)) {
      if (Array.isArray(part)) {
        const { applied, ...failed } = await applyChanges(part, ipvs)
        done += applied
        if (failed.error !== undefined) return { applied: done, ...failed }
      } else {
        await applyOne(part, ipvs, marks)
        done++
      }
    }
    return { applied: done }
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error
    return { applied: done + (error.batch?.applied ?? 0), error }
  }
}
