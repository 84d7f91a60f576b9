// The lab as a command; see `usage` in arguments.ts.

import { parseArguments, usage, type LabArguments } from './arguments.ts'
import { LabUsageError } from './host.ts'
import { LabMachineError } from './machine.ts'
import { say } from './progress.ts'
import { LabStopped, runCommand } from './run.ts'
import { ensureKernel } from './setup.ts'
import { runShell } from './shell.ts'

/** The lab itself failed, not the command. */
const labFailedStatus = 125

const actions: Record<Exclude<LabArguments['action'], 'help'>, (lab: LabArguments) => Promise<number>> = {
  setup,
  shell: runShell,
  run: runCommand,
}

/** Runs the lab with the arguments `words` of the command `program`. Resolves with the exit status. `print` receives the help. */
export async function labCommand(
  words: readonly string[],
  program: string,
  print: (text: string) => void = (text) => void process.stdout.write(text),
): Promise<number> {
  try {
    const lab = parseArguments(words)
    if (lab.action !== 'help') return await actions[lab.action](lab)
  } catch (error) {
    return report(error)
  }
  print(usage(program))
  return 0
}

async function setup(lab: LabArguments): Promise<number> {
  for (const name of lab.kernels) {
    const kernel = await ensureKernel(name)
    say(`${name} is ready: Linux ${kernel.release}`)
  }
  return 0
}

function report(error: unknown): number {
  if (error instanceof LabStopped) {
    // End by the signal itself, not with a status: a shell then ends its loop on an interrupt.
    if (error.by !== undefined) process.kill(process.pid, error.by)
    else say(error.message)
    return error.status
  }
  const explained = error instanceof LabUsageError || error instanceof LabMachineError
  if (explained) say(error.message)
  else console.error(error)
  return labFailedStatus
}
