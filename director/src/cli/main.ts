#!/usr/bin/env node
// The command line. Exit statuses: 0 fine, 1 it failed, 2 wrong usage.
import { Command, CommanderError } from 'commander'
import { printable } from '../site/problems.ts'
import { addInit } from './init.ts'
import { addSchema } from './schema.ts'
import { addValidate } from './validate.ts'

const program = new Command('ipvs-director').exitOverride()
for (const add of [addInit, addValidate, addSchema]) add(program)
try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    process.stderr.write(`ipvs-director: ${printable((error as Error).message)}\n`)
    process.exitCode = 1
  }
}
