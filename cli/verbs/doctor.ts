// `ipvs doctor`: looks at what matters for balancing, and says what to do.
import { readFile } from 'node:fs/promises'
import { FirewallMarks, Ipvs, IpvsError } from 'ipvs'
import type { Command } from 'commander'
import type { Output } from '../output.ts'
import type { Context } from './context.ts'
import { diagnose, fromOutside, sysctlNames } from './diagnosis.ts'
import type { Facts, Finding } from './facts.ts'
import { emphasis, json } from './format.ts'
import { NoEntry, readNamespace } from './proc.ts'

type Where = ReturnType<Context['openOptions']>

type MarkFacts = Pick<Facts, 'marks' | 'nat' | 'foundMarks' | 'marksProblem'>

async function readMarks(where: Where): Promise<MarkFacts> {
  try {
    await using marks = await FirewallMarks.open(where)
    return { marks: await marks.list(), nat: await marks.listNat(), foundMarks: await marks.findMarks() }
  } catch (error) {
    if (error instanceof IpvsError) return { marksProblem: error.message }
    throw error
  }
}

// The initial user namespace has all the numbers there are.
async function inUserNamespace(): Promise<boolean> {
  const map = await readFile('/proc/self/uid_map', 'utf8').catch(() => '')
  return map !== '' && !/^\s*0\s+0\s+4294967295\s*$/.test(map)
}

async function findOut(where: Where): Promise<Facts> {
  try {
    await using ipvs = await Ipvs.open(where)
    const services = await ipvs.snapshot()
    return { services, ...(await readMarks(where)), ...(await readNamespace(sysctlNames, where.netns)) }
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error
    const { code, message } = error
    if (code !== 'ERR_IPVS_UNAVAILABLE' && code !== 'ERR_IPVS_PERMISSION_DENIED') throw error
    const refused = { code, message, userNamespace: await inUserNamespace() }
    return { refused, services: [], sysctls: {}, reversePath: {} }
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

const help = `
Exit status: 0 when nothing is bad, 1 when something is (what is only a risk does not count), 2 for unknown words.

Examples:
  ipvs doctor
  ipvs doctor --netns blue
  ipvs doctor --json | jq -r '.[] | select(.level == "bad") | .fix'`

async function examine(context: Context, command: Command): Promise<Finding[]> {
  const { netns } = command.optsWithGlobals<{ netns?: string }>()
  const findings = diagnose(await findOut(context.openOptions(command)))
  return netns === undefined ? findings : fromOutside(findings, netns)
}

export function registerDoctor(program: Command, context: Context): void {
  program
    .command('doctor')
    .description('what is wrong with this director, and what to do')
    .option('--json', 'as JSON: level, what, fix')
    .addHelpText('after', help)
    .action(async (options: { json?: true }, command: Command) => {
      let findings: Finding[]
      try {
        findings = await examine(context, command)
      } catch (error) {
        if (!(error instanceof NoEntry)) throw error
        context.output.error(`ipvs: cannot look into the network namespace: ${error.message}\n`)
        context.status = 1
        return
      }
      context.output.out(options.json ? `${json(findings, 2)}\n` : renderFindings(findings, context.output))
      if (findings.some(({ level }) => level === 'bad')) context.status = 1
    })
}
