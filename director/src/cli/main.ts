#!/usr/bin/env node
// The command line. Exit statuses: 0 fine, 1 it failed, 64 wrong usage; `plan` ends with 2 when there are changes. Verbs load what
// they need when they run: a short question to the daemon does not wait for parsers and probes.
import { Command, CommanderError } from 'commander'
import { printable } from '../site/problems.ts'
import { addApply, addPlan } from './apply.ts'
import { addCheck } from './check.ts'
import { addExport } from './export.ts'
import { addImport } from './import.ts'
import { addInit } from './init.ts'
import { addOverrides } from './override.ts'
import { addRun } from './run.ts'
import { addSchema } from './schema.ts'
import { addStatus } from './status.ts'
import { addUnits } from './units.ts'
import { addValidate } from './validate.ts'
import { version } from './version.ts'

/** EX_USAGE of sysexits.h. */
const WRONG_USAGE = 64

const verbs = [
  addInit,
  addValidate,
  addPlan,
  addApply,
  addRun,
  addStatus,
  addOverrides,
  addSchema,
  addUnits,
  addImport,
  addExport,
  addCheck,
]
const program = new Command('ipvs-director').version(version).exitOverride()
for (const add of verbs) add(program)
try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE
  else {
    const lines = (error as Error).message.split('\n').map(printable)
    process.stderr.write(`ipvs-director: ${lines.join('\n')}\n`)
    process.exitCode = 1
  }
}
