// `ipvs save` and `ipvs restore`.
import { IpvsError, type FirewallMarks, type Ipvs } from 'ipvs'
import type { Command } from 'commander'
import { inWords } from '../shared/wording.ts'
import { inputName, readText, writeText } from '../shared/files.ts'
import { applySteps } from '../../state/apply.ts'
import type { Context } from '../shared/context.ts'
import { parseDocument } from '../shared/document-file.ts'
import { difference, type Step } from '../../state/difference.ts'
import { readDocument, type Document } from '../../state/document.ts'
import { stepLines, stepText } from '../../state/step-text.ts'
import { json } from '../shared/format.ts'
import { repairStep } from '../marks/repair.ts'
import { unsaveable, usableRows } from './unusable.ts'
import { wordingOf } from '../shared/verb-wording.ts'

// Marks need nf_tables. Without it, tables without marks can still be saved and restored.
async function openMarks(context: Context, command: Command, needed: boolean): Promise<FirewallMarks | undefined> {
  const { FirewallMarks } = await import('ipvs')
  try {
    return await FirewallMarks.open(context.openOptions(command))
  } catch (error) {
    if (!needed && error instanceof IpvsError && error.code === 'ERR_IPVS_UNAVAILABLE') return undefined
    throw error
  }
}

async function withBoth(
  context: Context,
  command: Command,
  marksNeeded: boolean,
  use: (ipvs: Ipvs, marks: FirewallMarks | undefined) => Promise<void>,
): Promise<void> {
  await context.withIpvs(command, async (ipvs) => {
    const marks = await openMarks(context, command, marksNeeded)
    try {
      await use(ipvs, marks)
    } finally {
      await marks?.close()
    }
  })
}

function registerSave(program: Command, context: Context): void {
  program
    .command('save')
    .argument('[file]', 'target file; default: standard output')
    .description('services, destinations, timeouts, daemons, marks and NAT rules as JSON, for restore')
    .addHelpText('after', '\nExamples:\n  ipvs save > table.json\n  ipvs save /var/lib/ipvs/table.json')
    .action(async (file: string | undefined, _options: object, command: Command) =>
      withBoth(context, command, false, async (ipvs, marks) => {
        const table = await readDocument(ipvs, marks)
        for (const problem of unsaveable(table)) context.output.error(`ipvs: restore will refuse ${problem}\n`)
        await writeText(file, `${json(table, 2)}\n`, context.output)
      }),
    )
}

async function readWanted(file: string | undefined, { output }: Context): Promise<Document> {
  return parseDocument(await readText(file, output), inputName(file))
}

interface RestoreOptions {
  readonly dryRun?: true
  readonly keepGoing?: true
}

/** Steps are carried out in the printed order, so the first missing step says how far it went. */
export function howFar(steps: readonly Step[], applied: number): string {
  const next = steps[applied]
  const where = next === undefined ? '' : `; this one was not: ${stepText(next)}`
  return `${applied} of ${steps.length} steps carried out${where}`
}

function registerRestore(program: Command, context: Context): void {
  program
    .command('restore')
    .argument('[file]', 'a file from save; default: standard input')
    .option('--dry-run', 'print the steps without changing anything')
    .option('--keep-going', 'skip rows that cannot be applied, and continue after failed steps')
    .description('restore a saved table: only differences are changed, and traffic keeps flowing')
    .addHelpText('after', '\nExamples:\n  ipvs restore table.json --dry-run\n  ipvs restore < table.json')
    .action(async (file: string | undefined, options: RestoreOptions, command: Command) => {
      const wanted = await readWanted(file, context)
      const needed = [wanted.marks, wanted.nat].some((rules) => rules !== undefined && rules.length > 0)
      await withBoth(context, command, needed, async (ipvs, marks) => {
        const current = await readDocument(ipvs, marks)
        const { document, problems } = usableRows(wanted, current)
        if (problems.length > 0) {
          context.output.error(problems.map((problem) => `ipvs: cannot be applied: ${problem}\n`).join(''))
          context.status = 1
          if (!options.keepGoing) return context.output.error(NOTHING_DONE)
        }
        const changes = difference(current, document)
        const steps = [...changes, ...(await repairStep(marks, document, changes))]
        context.output.out(steps.map(stepLines).join(''))
        if (!options.dryRun) await carryOut(context, command, steps, ipvs, marks)
      })
    })
}

const NOTHING_DONE = 'nothing was changed; "--keep-going" leaves these out and does the rest\n'

async function carryOut(
  context: Context,
  command: Command,
  steps: readonly Step[],
  ipvs: Ipvs,
  marks: FirewallMarks | undefined,
): Promise<void> {
  const { keepGoing } = command.opts<RestoreOptions>()
  const wording = wordingOf(command)
  const { applied, failed, error } = await applySteps(steps, ipvs, marks, keepGoing)
  if (error === undefined && failed.length === 0) return
  context.status = 1
  for (const { step, error: reason } of failed)
    context.output.error(`ipvs: ${stepText(step)}: ${inWords(reason, { ...wording, subjects: false })}\n`)
  const end =
    failed.length === 0
      ? howFar(steps, applied)
      : `${applied} of ${steps.length} steps carried out, ${failed.length} failed`
  context.output.error(`${error === undefined ? '' : `ipvs: ${inWords(error, wording)}\n`}${end}\n`)
}

export function registerSaving(program: Command, context: Context): void {
  registerSave(program, context)
  registerRestore(program, context)
}
