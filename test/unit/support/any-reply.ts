// What tests let native calls return: any values of any reply.
import type {
  AppliedChange,
  FoundChanges,
  FoundConnections,
  FoundElements,
  FoundGroups,
  FoundStatistics,
  FoundTable,
  FoundText,
  Reply,
} from '../../../lib/binding/replies.ts'

export type AnyReply = Partial<
  Reply<
    AppliedChange &
      FoundChanges &
      FoundConnections &
      FoundElements &
      FoundGroups &
      FoundStatistics &
      FoundTable &
      FoundText
  >
>

const nothing = new ArrayBuffer(0)

/** No failure, and nothing found. */
export const foundNothing: Required<Omit<AnyReply, 'leftovers' | 'engines'>> = {
  failures: [],
  rows: nothing,
  done: true,
  generation: 0,
  services: nothing,
  destinations: nothing,
  counts: nothing,
  text: nothing,
  opened: nothing,
  changed: nothing,
  closed: nothing,
  totals: nothing,
  perCpu: nothing,
}
