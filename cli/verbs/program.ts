// The verbs, built on commander. Not loaded for `ipvs adm`.
import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { IpvsError } from 'ipvs'
import { FileError } from '../shared/files.ts'
import type { Streams } from '../shared/streams.ts'
import { DONE, FAILED, USAGE } from '../shared/status.ts'
import { inWords, isUsage } from '../shared/wording.ts'
import { registerChanges } from './change.ts'
import { registerCompletion } from './completion.ts'
import { createContext, type Context } from '../shared/context.ts'
import { registerConnections } from './connections.ts'
import { registerDoctor } from '../doctor/doctor.ts'
import { registerLab } from './lab.ts'
import { registerList } from './list.ts'
import { registerMarks } from '../marks/marks.ts'
import { registerRestoring } from './restore.ts'
import { registerSave } from './save.ts'
import { registerStats } from './stats.ts'
import { registerUnits } from './units.ts'
import { wordingOf } from '../shared/verb-wording.ts'

const verbs = [
  registerList,
  registerChanges,
  registerMarks,
  registerConnections,
  registerStats,
  registerSave,
  registerRestoring,
  registerDoctor,
  registerUnits,
  registerLab,
  registerCompletion,
]

/** Builds the command line without running anything. */
export function createProgram(context: Context): Command {
  const { streams } = context
  const { version } = createRequire(import.meta.url)('ipvs/package.json') as { readonly version: string }
  const program = new Command('ipvs')
  program
    .description('Linux IPVS, the load balancer of the kernel, and its firewall marks')
    .version(version)
    .option('--netns <name|path>', 'work in a network namespace: a name of `ip netns`, or a path')
    .configureOutput({ writeOut: (text) => streams.out(text), writeErr: (text) => streams.error(text) })
    .exitOverride()
    .allowExcessArguments(false) // `marks add 7 172.16.0.100 tcp 80, 443` would be a rule for port 80
  program.command('adm').description("ipvsadm's command lines: ipvs adm -Ln").helpOption(false)
  for (const register of verbs) register(program, context)
  return program
}

/** Runs a command line; returns the exit status, see status.ts. */
export async function runProgram(words: readonly string[], streams: Streams): Promise<number> {
  const context = createContext(streams)
  const program = createProgram(context)
  let command = program
  program.hook('preAction', (_, action) => {
    command = action
  })
  try {
    await program.parseAsync(words, { from: 'user' })
    return context.status
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === DONE ? DONE : USAGE
    if (error instanceof IpvsError) {
      const wording = wordingOf(command)
      streams.error(`ipvs: ${inWords(error, wording)}\n`)
      return isUsage(error, wording) ? USAGE : FAILED
    }
    if (!(error instanceof FileError)) throw error
    streams.error(`ipvs: ${error.message}\n`)
    return FAILED
  }
}
