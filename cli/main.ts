#!/usr/bin/env node
// The program `ipvs`. Called by the name `ipvsadm`, by a link, it is `ipvs adm`.
import { basename } from 'node:path'
import { processOutput } from './output.ts'

const [, program = '', ...words] = process.argv

// Nothing is loaded that is not needed: scripts call this thousands of times.
async function main(): Promise<number> {
  // Ends the process itself: a machine may have left streams open.
  if (basename(program) !== 'ipvsadm' && words[0] === 'lab')
    process.exit(await (await import('./lab.ts')).labVerb(words.slice(1)))
  // Readers such as head may leave early.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
  if (basename(program) === 'ipvsadm') return (await import('./adm/run.ts')).adm(words, processOutput)
  if (words[0] === 'adm') return (await import('./adm/entry.ts')).admVerb(words.slice(1), processOutput)
  return (await import('./verbs/program.ts')).runProgram(words, processOutput)
}

async function run(): Promise<void> {
  process.exitCode = await main()
}

// No `await` here: the bundle is CommonJS, which starts faster.
void run()
