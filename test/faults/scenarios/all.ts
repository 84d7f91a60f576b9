import type { Scenario } from '../scenario.ts'
import { batches } from './batches.ts'
import { changes } from './changes.ts'
import { connections } from './connections.ts'
import { marks } from './marks.ts'
import { reads } from './reads.ts'
import { states } from './states.ts'

export const scenarios: readonly Scenario[] = [...changes, ...reads, ...batches, ...marks, ...states, ...connections]
