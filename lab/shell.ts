// `lab shell`: a terminal in the guest.

import { spawnSync } from 'node:child_process'
import type { LabArguments } from './arguments.ts'
import { LabUsageError } from './host.ts'
import { LabMachine } from './machine.ts'
import { say } from './progress.ts'
import { chooseKernel, guestCommand, stopSignal } from './run.ts'

/** Time for the last characters after the shell has ended: a terminal's output has no end marker. */
const lastWordsMs = 150

export async function runShell(lab: LabArguments): Promise<number> {
  const { stdin, stdout } = process
  if (!stdin.isTTY || !stdout.isTTY) throw new LabUsageError('"shell" needs a terminal; use "sh -c ..." for scripts')
  const kernel = await chooseKernel(lab.kernels[0])
  const argv = lab.command.length > 0 ? lab.command : ['bash', '-i']
  const command = { ...guestCommand(lab, argv), terminal: { rows: stdout.rows, columns: stdout.columns } }
  const { signal, release } = stopSignal(lab.timeoutSeconds)
  const before = setTerminal('-g')
  say('booting; end the shell with "exit" or Ctrl+D')
  try {
    await using machine = await LabMachine.boot({ kernel, command, memoryMb: lab.memoryMb, cpus: lab.cpus, signal })
    say(`Linux ${machine.release}; files you write are lost afterwards`)
    // From now on every key goes to the guest, including Ctrl+C.
    setTerminal('raw', '-echo')
    stdin.pipe(machine.stdin)
    machine.stdout.pipe(stdout, { end: false })
    const status = await machine.exit
    await new Promise((resolve) => setTimeout(resolve, lastWordsMs))
    return status
  } finally {
    setTerminal(before)
    stdin.destroy()
    release()
  }
}

/** Node's raw mode still converts line feeds on output, which the guest has done already. */
function setTerminal(...settings: string[]): string {
  const { stdout, error } = spawnSync('stty', settings, { stdio: ['inherit', 'pipe', 'inherit'], encoding: 'utf8' })
  if (error !== undefined) throw error
  return stdout.trim()
}
