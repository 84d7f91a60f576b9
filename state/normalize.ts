// A state in the spelling of listings.
import { checkState } from './checked.ts'
import { StateError } from './problems.ts'
import type { State } from './state.ts'
import { runAtOnce } from './pauses.ts'

/**
 * A state in the spelling of listings: defaults filled in, netmasks as masks, addresses in canonical form. Absent sections stay
 * absent. States from {@link readState} have this spelling. Nothing is sent. Throws {@link StateError} with all problems.
 */
export function normalizeState(state: State): State {
  const { problems, timeouts, services, daemons, marks, nat } = runAtOnce(checkState(state, new Map()))
  if (problems.length > 0) throw new StateError('normalizeState', problems)
  return {
    version: 1,
    ...(timeouts !== undefined && { timeouts }),
    ...(services !== undefined && {
      services: services.rows.map(({ service, destinations }) => ({
        service,
        ...(destinations !== undefined && { destinations: destinations.rows.map((each) => each.destination) }),
      })),
    }),
    ...(daemons !== undefined && { daemons: daemons.rows }),
    ...(marks !== undefined && { marks: marks.rows.map(({ rule }) => rule) }),
    ...(nat !== undefined && { nat: nat.rows.map(({ rule }) => rule) }),
  }
}
