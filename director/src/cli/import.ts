// `ipvs-director import`: a site out of another program's configuration.
import { Argument, type Command } from 'commander'
import { formats } from '../import/formats.ts'
import type { Marked } from '../import/marked.ts'
import { formatProblem, printable } from '../site/problems.ts'
import { siteOf, textOf } from './site-problems.ts'

interface ImportOptions {
  readonly json?: boolean
  readonly rules: readonly string[]
}

/** What the packet filter marks, and a line for each rule that is left out. */
async function readRules(
  files: readonly string[],
): Promise<Omit<Marked, 'remarks'> & { readonly lines: readonly string[] }> {
  const { markedVirtuals } = await import('../import/marked.ts')
  const read = await Promise.all(files.map(async (file) => ({ file, ...markedVirtuals(await textOf(file)) })))
  const marks = new Set(read.flatMap(({ marked }) => [...marked.keys()]))
  return {
    marked: new Map([...marks].map((mark) => [mark, read.flatMap(({ marked }) => marked.get(mark) ?? [])])),
    activeFtp: read.some(({ activeFtp }) => activeFtp),
    lines: read.flatMap(({ file, remarks }) => remarks.map(({ line, text }) => `${file}:${line}: ${text}`)),
  }
}

async function importFile(format: string, file: string, { json = false, rules }: ImportOptions): Promise<void> {
  const [{ importWith }, { askHost }, { siteText }] = await Promise.all([
    import('../import/context.ts'),
    import('./import-answers.ts'),
    import('../import/write.ts'),
  ])
  const { importer } = formats[format] as (typeof formats)[string]
  const text = await textOf(file)
  const { lines: ruleLines, ...foreign } = await readRules(rules)
  const { site, remarks } = importWith(importer, text, await askHost(importer, text, file, foreign))
  const written = siteText(site)
  const checked = siteOf(written, 'site')
  if (checked.site === undefined) process.exitCode = 1
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ site, remarks, rules: ruleLines, problems: checked.problems }, undefined, 2)}\n`,
    )
    return
  }
  process.stdout.write(written)
  const lines = [
    ...ruleLines,
    ...remarks.map(({ kind, line, text: what }) => `${file}:${line ?? 1}: ${kind}: ${what}`),
    ...checked.problems.map(formatProblem),
  ]
  for (const each of lines) process.stderr.write(`${printable(each)}\n`)
}

/** Adds the command `import`. */
export function addImport(program: Command): void {
  program
    .command('import')
    .description(
      'prints a site made of the configuration of another program, and on the standard error what it does not say',
    )
    .addArgument(new Argument('<format>', 'what the file is').choices(Object.keys(formats)))
    .argument('<file>', 'the file; - reads the standard input')
    .option(
      '--rules <file...>',
      'which packets get marks: output of iptables-save, ip6tables-save or "nft -j list ruleset"',
      [],
    )
    .option('--json', 'print site, remarks and problems as JSON')
    .action(importFile)
}
