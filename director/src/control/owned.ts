// What in the kernel is ours: keys of services as of `stateEntries`. Rules need no record: they have a table of their own.
import { stateEntries, type State, type StateEntry } from 'ipvs/state'

/** The keys of the services of a normalised state. */
export function serviceKeys(state: State): string[] {
  return stateEntries({ services: state.services ?? [] })
    .filter(({ kind }) => kind === 'service')
    .map(({ key }) => key)
}

/** Whether an entry of the kernel that the desired state lacks may be removed: ours, and destinations of services of ours. */
export function removable(owned: ReadonlySet<string>): (entry: StateEntry) => boolean {
  return (entry) => {
    switch (entry.kind) {
      case 'service':
        return owned.has(entry.key)
      case 'destination':
        return owned.has(entry.key.slice(0, entry.key.indexOf(' -> ')))
      case 'mark':
      case 'nat':
        return true
      default:
        return false
    }
  }
}
