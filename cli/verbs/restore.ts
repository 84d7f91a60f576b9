// `ipvs restore` and `ipvs apply`: make the kernel's state the state of a file.
import type { FirewallMarks, Ipvs } from 'ipvs'
import { InvalidArgumentError, type Command } from 'commander'
import {
  applyChanges,
  changeText,
  diffStateAsync,
  readState,
  withRepair,
  type ApplyResult,
  type Changes,
} from '../../state/index.ts'
import type { Context } from '../shared/context.ts'
import { inputName, readText } from '../shared/files.ts'
import { parseSaved, parseState, type StateFile } from '../shared/state-file.ts'
import { wordingOf } from '../shared/verb-wording.ts'
import { inWords } from '../shared/wording.ts'
import { withIpvsAndMarks } from './ipvs-and-marks.ts'

const sections = ['timeouts', 'services', 'daemons', 'marks', 'nat'] as const
type Section = (typeof sections)[number]

interface RestoreOptions {
  readonly dryRun?: true
  readonly keepGoing?: true
  readonly only?: readonly Section[]
  readonly prune?: true
}

const NOTHING_DONE = 'nothing was changed; "--keep-going" leaves these out and does the rest\n'

/** The failures of `changes`, one line each, and how many changes were made. Empty if all were. */
export function failureLines(changes: Changes, result: ApplyResult, command: Command, keepGoing: boolean): string[] {
  const { applied, failures, ended } = result
  const wording = { ...wordingOf(command), subjects: false }
  const own = failures.filter(({ reason }) => reason !== 'ended')
  const lines = own.map(
    ({ message, error }) => `ipvs: ${message.replace(error.message, () => inWords(error, wording))}`,
  )
  if (ended !== undefined && !own.some(({ error }) => error === ended)) lines.push(`ipvs: ${inWords(ended, wording)}`)
  const [first] = failures
  if (first === undefined) return lines
  const missing =
    keepGoing && ended === undefined ? `, ${failures.length} failed` : `; this one was not: ${changeText(first.change)}`
  return [...lines, `${applied} of ${changes.length} changes carried out${missing}`]
}

async function makeSo(
  { state, placeOf }: StateFile,
  context: Context,
  command: Command,
  handles: { readonly ipvs: Ipvs; readonly marks: FirewallMarks | undefined },
): Promise<void> {
  const { streams } = context
  const { dryRun = false, keepGoing = false, prune = false } = command.opts<RestoreOptions>()
  const compared = await diffStateAsync(await readState(handles), state, { prune, skipInvalid: true })
  const { problems } = compared
  if (problems.length > 0) {
    const lines = problems.map(({ path, problem }) => `ipvs: cannot be applied: ${placeOf(path)}${path}: ${problem}\n`)
    streams.error(lines.join(''))
    context.status = 1
    if (!keepGoing) return streams.error(NOTHING_DONE)
  }
  const changes = await withRepair(compared, state, handles.marks)
  if (changes.length > 0) streams.out(`${changes.toString()}\n`)
  if (dryRun) return
  const result = await applyChanges(changes, { ...handles, stopOnError: !keepGoing })
  const lines = failureLines(changes, result, command, keepGoing)
  if (lines.length === 0) return
  context.status = 1
  streams.error(`${lines.join('\n')}\n`)
}

// Sections that the option does not name stay as they are in the kernel.
function onlySections(file: StateFile, only: readonly Section[] | undefined): StateFile {
  if (only === undefined) return file
  const chosen = Object.entries(file.state).filter(([name]) => name === 'version' || only.includes(name as Section))
  return { ...file, state: Object.fromEntries(chosen) }
}

function sectionsOf(text: string): readonly Section[] {
  const names = text.split(',')
  const stray = names.find((name) => !sections.includes(name as Section))
  if (stray !== undefined) throw new InvalidArgumentError(`"${stray}" is none of ${sections.join(', ')}.`)
  return names as Section[]
}

// Marks need nf_tables, services do not.
function needsMarks({ state }: StateFile): boolean {
  const { marks, nat } = (state ?? {}) as { readonly marks?: unknown; readonly nat?: unknown }
  return [marks, nat].some((rules) => Array.isArray(rules) && rules.length > 0)
}

function registerOne(
  program: Command,
  context: Context,
  name: string,
  parse: (text: string, name: string) => StateFile | Promise<StateFile>,
): Command {
  return program
    .command(name)
    .option('--dry-run', 'print the changes without making them')
    .option('--prune', 'also remove services, destinations, daemons and rules that the file does not name')
    .option('--only <sections>', `leave out all but these sections of the file: ${sections.join(',')}`, sectionsOf)
    .option('--keep-going', 'skip rows that cannot be applied, and continue after failed changes')
    .action(async (file: string | undefined, { only }: RestoreOptions, command: Command) => {
      const wanted = onlySections(await parse(await readText(file, context.streams), inputName(file)), only)
      await withIpvsAndMarks(context, command, needsMarks(wanted), (ipvs, marks) =>
        makeSo(wanted, context, command, { ipvs, marks }),
      )
    })
}

export function registerRestoring(program: Command, context: Context): void {
  registerOne(program, context, 'restore', parseSaved)
    .argument('[file]', 'a file from save; default: standard input')
    .description('restore a saved table: only differences are changed, and traffic keeps flowing')
    .addHelpText('after', '\nExamples:\n  ipvs restore table.json --dry-run\n  ipvs restore --prune < table.json')
  registerOne(program, context, 'apply', parseState)
    .argument('<file>', 'YAML or JSON with the sections of save, all of them or some; "-": standard input')
    .description('make the table as a file says, also a file written by hand')
    .addHelpText('after', '\nExamples:\n  ipvs apply services.yaml --dry-run\n  ipvs apply services.yaml --prune')
}
