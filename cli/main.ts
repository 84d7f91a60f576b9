#!/usr/bin/env node
// The program `ipvs`. Called by the name `ipvsadm`, by a link, it is `ipvs adm`.
import { basename } from 'node:path'
import { processOutput } from './output.ts'

const [, program = '', ...words] = process.argv

// Readers such as head may leave early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

// Nothing is loaded that is not needed: scripts call this thousands of times.
async function main(): Promise<number> {
  if (basename(program) === 'ipvsadm') return (await import('./adm/run.ts')).adm(words, processOutput)
  if (words[0] === 'adm') return (await import('./adm/entry.ts')).admVerb(words.slice(1), processOutput)
  return (await import('./verbs/program.ts')).runProgram(words, processOutput)
}

process.exitCode = await main()
