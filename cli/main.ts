#!/usr/bin/env node
// The program `ipvs`. Called by the name `ipvsadm`, by a link, it is `ipvs adm`.
import { basename } from 'node:path'
import { OutputError, plainOutput, styledOutput } from './shared/output.ts'
import { FAILED, READER_GONE } from './shared/status.ts'

const [, program = '', ...words] = process.argv

// Nothing is loaded that is not needed: scripts call this thousands of times.
async function main(): Promise<number> {
  // Ends the process itself: a machine may have left streams open.
  if (basename(program) !== 'ipvsadm' && words[0] === 'lab')
    process.exit(await (await import('./lab.ts')).labVerb(words.slice(1)))
  if (basename(program) === 'ipvsadm') return (await import('./adm/run.ts')).adm(words, plainOutput)
  if (words[0] === 'adm') return (await import('./adm/entry.ts')).admVerb(words.slice(1), plainOutput)
  return (await import('./verbs/program.ts')).runProgram(words, styledOutput)
}

// Whatever the command was: what it printed did not arrive. Readers such as head may leave early, and need not hear of it.
function unwritten(error: unknown): number {
  if (!(error instanceof OutputError)) throw error
  if (error.readerGone) return READER_GONE
  plainOutput.error(`ipvs: ${error.message}\n`)
  return FAILED
}

async function run(): Promise<void> {
  process.exitCode = await main().catch(unwritten)
}

// No `await` here: the bundle is CommonJS, which starts faster.
void run()
