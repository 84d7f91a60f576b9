#!/usr/bin/env node
// The program `ipvs`. Called through a link named `ipvsadm`, it is `ipvs adm`.
import { basename } from 'node:path'
import { OutputError, plainStreams, styledStreams } from './shared/streams.ts'
import { FAILED, READER_GONE } from './shared/status.ts'

const [, program = '', ...words] = process.argv

// Loads only the needed modules: scripts call this thousands of times.
async function main(): Promise<number> {
  // process.exit(), because a machine may have left streams open.
  if (basename(program) !== 'ipvsadm' && words[0] === 'lab')
    process.exit(await (await import('./lab.ts')).labVerb(words.slice(1)))
  if (basename(program) === 'ipvsadm') return (await import('./adm/run.ts')).adm(words, plainStreams)
  if (words[0] === 'adm') return (await import('./adm/entry.ts')).admVerb(words.slice(1), plainStreams)
  return (await import('./verbs/program.ts')).runProgram(words, styledStreams)
}

// The command's output could not be written. A reader that has gone, such as head, needs no message.
function unwritten(error: unknown): number {
  if (!(error instanceof OutputError)) throw error
  if (error.readerGone) return READER_GONE
  plainStreams.error(`ipvs: ${error.message}\n`)
  return FAILED
}

async function run(): Promise<void> {
  process.exitCode = await main().catch(unwritten)
}

// No `await` here: the bundle is CommonJS, which starts faster.
void run()
