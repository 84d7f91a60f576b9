// `ipvs save` and `ipvs restore`.
import { IpvsError, type FirewallMarks, type Ipvs } from 'ipvs'
import type { Command } from 'commander'
import { inputName, readText, writeText } from '../files.ts'
import { applySteps } from './apply.ts'
import type { Context } from './context.ts'
import { difference, stepLines, stepText, type Step } from './difference.ts'
import { parseDocument, readDocument, type Document } from './document.ts'
import { json } from './format.ts'

// Marks need nf_tables, which not every kernel has and not every table needs.
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
    .argument('[file]', 'where to; default: standard output')
    .description('services, destinations, timeouts, daemons, marks and NAT rules as JSON, for restore')
    .addHelpText('after', '\nExamples:\n  ipvs save > table.json\n  ipvs save /var/lib/ipvs/table.json')
    .action(async (file: string | undefined, _options: object, command: Command) =>
      withBoth(context, command, false, async (ipvs, marks) => {
        const document = `${json(await readDocument(ipvs, marks), 2)}\n`
        await writeText(file, document, context.output)
      }),
    )
}

async function readWanted(file: string | undefined, { output }: Context): Promise<Document> {
  return parseDocument(await readText(file, output), inputName(file))
}

/** Steps were printed in the order in which they are carried out, so one says what was done. */
export function howFar(steps: readonly Step[], applied: number): string {
  const next = steps[applied]
  const where = next === undefined ? '' : `; this one was not: ${stepText(next)}`
  return `${applied} of ${steps.length} steps carried out${where}`
}

function registerRestore(program: Command, context: Context): void {
  program
    .command('restore')
    .argument('[file]', 'what save wrote; default: standard input')
    .option('--dry-run', 'show what would be done, and do nothing')
    .description('makes the table what it was: only what differs is touched, and traffic keeps flowing')
    .addHelpText('after', '\nExamples:\n  ipvs restore table.json --dry-run\n  ipvs restore < table.json')
    .action(async (file: string | undefined, options: { dryRun?: true }, command: Command) => {
      const wanted = await readWanted(file, context)
      const needed = [wanted.marks, wanted.nat].some((rules) => rules !== undefined && rules.length > 0)
      await withBoth(context, command, needed, async (ipvs, marks) => {
        const steps = difference(await readDocument(ipvs, marks), wanted)
        context.output.out(steps.map(stepLines).join(''))
        if (options.dryRun) return
        const { applied, error } = await applySteps(steps, ipvs, marks)
        if (error === undefined) return
        context.output.error(`ipvs: ${error.message}\n${howFar(steps, applied)}\n`)
        context.status = 1
      })
    })
}

export function registerSaving(program: Command, context: Context): void {
  registerSave(program, context)
  registerRestore(program, context)
}
