// `ipvs save`.
import type { Command } from 'commander'
import { diffStateAsync, readState, stateEntries, type CurrentState } from '../../state/index.ts'
import type { Context } from '../shared/context.ts'
import { writeText } from '../shared/files.ts'
import { json } from '../shared/format.ts'
import { withIpvsAndMarks } from './ipvs-and-marks.ts'

/** Rows of the kernel that `restore` cannot apply: saved anyway, and reported. */
export async function unsaveable(state: CurrentState): Promise<string[]> {
  const empty: CurrentState = { ...state, services: [], daemons: [] }
  const { problems } = await diffStateAsync(empty, state, { skipInvalid: true })
  const unknown = stateEntries(state).flatMap((entry) => {
    const isUnknown = entry.kind === 'destination' && entry.destination.forwarding === 'tunnel'
    return isUnknown && entry.destination.tunnel === undefined
      ? [`${entry.key}: the type of its tunnel is not known and not saved`]
      : []
  })
  return [...problems.map(({ path, problem }) => `${path}: ${problem}`), ...unknown]
}

export function registerSave(program: Command, context: Context): void {
  program
    .command('save')
    .argument('[file]', 'target file; default: standard output')
    .description('services, destinations, timeouts, daemons, marks and NAT rules as JSON, for restore and apply')
    .addHelpText('after', '\nExamples:\n  ipvs save > table.json\n  ipvs save /var/lib/ipvs/table.json')
    .action(async (file: string | undefined, _options: object, command: Command) =>
      withIpvsAndMarks(context, command, false, async (ipvs, marks) => {
        const state = await readState({ ipvs, marks })
        for (const problem of await unsaveable(state)) {
          context.streams.error(`ipvs: restore will refuse ${problem}\n`)
        }
        await writeText(file, `${json(state, 2)}\n`, context.streams)
      }),
    )
}
