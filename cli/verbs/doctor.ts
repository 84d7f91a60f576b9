// `ipvs doctor`: looks at what matters for balancing, and says what to do.
import { readFile } from 'node:fs/promises'
import { FirewallMarks, Ipvs, IpvsError, type ListedMarkRule } from 'ipvs'
import type { Command } from 'commander'
import type { Output } from '../output.ts'
import type { Context } from './context.ts'
import { diagnose, sysctlNames, type Facts, type Finding } from './diagnosis.ts'
import { emphasis, json } from './format.ts'

async function readSysctls(): Promise<Record<string, string>> {
  const values: Record<string, string> = {}
  for (const name of sysctlNames) {
    const text = await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').catch(() => undefined)
    if (text !== undefined) values[name] = text.trim()
  }
  return values
}

async function readMarks(): Promise<readonly ListedMarkRule[] | undefined> {
  try {
    await using marks = await FirewallMarks.open()
    return await marks.list()
  } catch (error) {
    if (error instanceof IpvsError) return undefined
    throw error
  }
}

async function findOut(): Promise<Facts> {
  try {
    await using ipvs = await Ipvs.open()
    const services = await ipvs.snapshot()
    return { services, marks: await readMarks(), sysctls: await readSysctls() }
  } catch (error) {
    if (error instanceof IpvsError) return { unavailable: error.message, services: [], sysctls: {} }
    throw error
  }
}

const styles = { good: 'green', risk: 'yellow', bad: 'red' } as const

/** Findings for people. */
export function renderFindings(findings: readonly Finding[], output: Output): string {
  return findings
    .map(({ level, what, fix }) => {
      const line = `${emphasis(styles[level], level.padEnd(4), output)}  ${what}\n`
      return fix === undefined ? line : `${line}      ${emphasis('dim', fix, output)}\n`
    })
    .join('')
}

export function registerDoctor(program: Command, context: Context): void {
  program
    .command('doctor')
    .description('what is wrong with this director, and what to do; status 1 when something does not work')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  ipvs doctor\n  ip netns exec blue ipvs doctor')
    .action(async (options: { json?: true }, command: Command) => {
      if (context.openOptions(command).netns !== undefined) {
        command.error('error: sysctls can only be read from inside: ip netns exec NAME ipvs doctor')
      }
      const findings = diagnose(await findOut())
      context.output.out(options.json ? `${json(findings, 2)}\n` : renderFindings(findings, context.output))
      if (findings.some(({ level }) => level === 'bad')) context.status = 1
    })
}
