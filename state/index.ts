// Reads the whole state, compares it with a desired one, and applies the changes. All exports are public:
// `import { readState, diffState, applyChanges } from 'ipvs/state'`.
export { applyChanges, type ApplyOptions, type ApplyProgress, type ApplyResult, type Writers } from './apply-changes.ts'
export type {
  Change,
  DaemonChange,
  DestinationChange,
  RepairChange,
  RuleChange,
  ServiceChange,
  TimeoutsChange,
} from './change.ts'
export { Changes } from './changes.ts'
export { changeText } from './change-text.ts'
export { diffState, diffStateAsync, type DiffAsyncOptions, type DiffOptions } from './diff.ts'
export { stateEntries, type StateEntry } from './entries.ts'
export type { ChangeFailure, FailureReason } from './failure.ts'
export { normalizeState } from './normalize.ts'
export type { PacketFilterRemark, PacketFilterRules } from './found-rules.ts'
export { readPacketFilter } from './packet-filter.ts'
export { StateError, type StateProblem } from './problems.ts'
export { readState, type Readers, type ReadOptions } from './read.ts'
export { withRepair } from './repair.ts'
export type { CurrentService, CurrentState, State, StateService } from './state.ts'
