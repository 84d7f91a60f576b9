// `ipvs-director export`: a site for another program.
import { Argument, Option, type Command } from 'commander'
import { defaultSiteFile } from '../control/files.ts'
import { exporters } from '../export/formats.ts'
import { formatProblem, printable } from '../site/problems.ts'
import { readSite } from './site-problems.ts'

interface ExportOptions {
  readonly config: string
  readonly json?: boolean
}

async function exportSite(format: string, { config, json = false }: ExportOptions): Promise<void> {
  const { marksOf } = await import('../desired/marks.ts')
  const { site, problems } = await readSite(config)
  if (site === undefined) throw new Error(problems.map(formatProblem).join('\n'))
  const exporter = exporters[format] as (typeof exporters)[string]
  const { text, lost } = exporter(site, marksOf(site, { marks: {} }, new Set()))
  if (json) {
    process.stdout.write(`${JSON.stringify({ text, lost }, undefined, 2)}\n`)
    return
  }
  process.stdout.write(text)
  for (const each of lost) process.stderr.write(`lost: ${printable(each)}\n`)
}

/** Adds the command `export`. */
export function addExport(program: Command): void {
  program
    .command('export')
    .description('prints the site for another program, and on the standard error what that program does not have')
    .addArgument(new Argument('<format>', 'for which program').choices(Object.keys(exporters)))
    .addOption(new Option('-c, --config <file>', 'the site; - reads the standard input').default(defaultSiteFile))
    .option('--json', 'print text and losses as JSON')
    .action(exportSite)
}
