// The lab as a command: see usage in arguments.ts.

import { parseArguments, usage, type LabArguments } from './arguments.ts'
import { LabUsageError } from './host.ts'
import { LabMachineError } from './machine.ts'
import { say } from './progress.ts'
import { LabStopped, runCommand } from './run.ts'
import { ensureKernel } from './setup.ts'
import { runShell } from './shell.ts'

/** The lab itself failed, as opposed to the command. */
const labFailedStatus = 125

const actions: Record<Exclude<LabArguments['action'], 'help'>, (lab: LabArguments) => Promise<number>> = {
  setup,
  shell: runShell,
  run: runCommand,
}

/** Carries out the words behind `program`, which is how the lab was called. Resolves with the status to exit with. `print`: help. */
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
    // Ending by the signal itself tells the caller more than a status: a shell ends its loop on an interrupt.
    if (error.by !== undefined) process.kill(process.pid, error.by)
    else say(error.message)
    return error.status
  }
  const explained = error instanceof LabUsageError || error instanceof LabMachineError
  if (explained) say(error.message)
  else console.error(error)
  return labFailedStatus
}
