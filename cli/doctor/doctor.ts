// `ipvs doctor`: checks the director and prints findings with fixes.
import type { Command } from 'commander'
import { diagnose, fromOutside } from './diagnose.ts'
import type { Finding } from './finding.ts'
import { NoEntry } from './proc.ts'
import { readFacts } from './read.ts'
import type { Streams } from '../shared/streams.ts'
import { printablePart } from '../../lab/printable.ts'
import type { Context } from '../shared/context.ts'
import { emphasis, json } from '../shared/format.ts'

/** A finding in the format of `--json`. */
export type Reported = Omit<Finding, 'fix'> & { readonly fix?: string }

const styles = { good: 'green', risk: 'yellow', bad: 'red' } as const

const inOneLine = (fix: readonly string[]): string => fix.join(' && ')

function report(findings: readonly Finding[]): Reported[] {
  return findings.map(({ fix, ...finding }) => (fix === undefined ? finding : { ...finding, fix: inOneLine(fix) }))
}

/** Findings as text. */
export function renderFindings(findings: readonly Finding[], streams: Streams): string {
  return findings
    .map(({ level, what, why, fix = [] }) => {
      const sentence = why === undefined ? what : `${what}: ${why}`
      const commands = fix.map((command) => `      ${emphasis('dim', printablePart(command), streams)}\n`)
      return `${emphasis(styles[level], level.padEnd(4), streams)}  ${printablePart(sentence)}\n${commands.join('')}`
    })
    .join('')
}

const help = `
Exit status: 0 without bad findings (risks do not count), 1 with bad findings, 2 for usage errors.

Examples:
  ipvs doctor
  ipvs doctor --netns blue
  ipvs doctor --json | jq -r '.[] | select(.level == "bad") | .fix'`

async function examine(context: Context, command: Command): Promise<Finding[]> {
  const { netns } = command.optsWithGlobals<{ netns?: string }>()
  const findings = diagnose(await readFacts(context.openOptions(command)))
  return netns === undefined ? findings : fromOutside(findings, netns)
}

export function registerDoctor(program: Command, context: Context): void {
  program
    .command('doctor')
    .description('check this director, and print problems with their fixes')
    .option('--json', 'as JSON: level, code, what, why, fix')
    .addHelpText('after', help)
    .action(async (options: { json?: true }, command: Command) => {
      let findings: Finding[]
      try {
        findings = await examine(context, command)
      } catch (error) {
        if (!(error instanceof NoEntry)) throw error
        context.streams.error(`ipvs: cannot enter the network namespace: ${error.message}\n`)
        context.status = 1
        return
      }
      context.streams.out(options.json ? `${json(report(findings), 2)}\n` : renderFindings(findings, context.streams))
      if (findings.some(({ level }) => level === 'bad')) context.status = 1
    })
}
