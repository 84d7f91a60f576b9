// `lab COMMAND`: the command's streams and its exit status become this process's.

import { mkdirSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import type { LabArguments } from './arguments.ts'
import { guestEnvironment, type GuestCommand } from './guest-command.ts'
import { LabUsageError } from './host.ts'
import { defaultKernel, type LabKernel } from './kernels.ts'
import { LabMachine } from './machine.ts'
import { brokenPipeStatus, copy, ReaderGone, writeOut } from './output.ts'
import { say } from './progress.ts'
import { customKernel, ensureKernel } from './setup.ts'

export const timeoutStatus = 124

/** Why a run was ended from outside. */
export class LabStopped extends Error {
  readonly status: number
  readonly by: NodeJS.Signals | undefined

  constructor(message: string, status: number, by?: NodeJS.Signals) {
    super(message)
    this.status = status
    this.by = by
  }
}

/** The kernel of a run: the named one, else the environment's, else the default. */
export async function chooseKernel(named: string | undefined): Promise<LabKernel> {
  const custom = named === undefined ? await customKernel() : undefined
  return custom ?? ensureKernel(named ?? defaultKernel)
}

/** The command for the guest. */
export function guestCommand(lab: LabArguments, argv: readonly string[]): GuestCommand {
  const outputs = lab.outputs.map((folder) => {
    try {
      mkdirSync(folder, { recursive: true })
      return realpathSync(folder)
    } catch (error) {
      throw new LabUsageError(`--output ${folder}: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
  return { argv, folder: process.cwd(), environment: guestEnvironment(), outputs }
}

/** An AbortSignal that fires with LabStopped on time-out and on SIGINT, SIGTERM and SIGHUP. `release` removes the listeners. */
export function stopSignal(timeoutSeconds: number | undefined): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals): void => {
    controller.abort(new LabStopped(`stopped by ${name}`, 128 + constants.signals[name], name))
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, onSignal)
  const onTimeout = (): void => {
    controller.abort(new LabStopped(`time-out: not done after ${timeoutSeconds} s`, timeoutStatus))
  }
  const timer = timeoutSeconds === undefined ? undefined : setTimeout(onTimeout, timeoutSeconds * 1000)
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer)
      for (const name of names) process.off(name, onSignal)
    },
  }
}

/** Runs a command; resolves with the exit status. */
export async function runCommand(lab: LabArguments): Promise<number> {
  const kernel = await chooseKernel(lab.kernels[0])
  const command = guestCommand(lab, lab.command)
  const { signal, release } = stopSignal(lab.timeoutSeconds)
  try {
    await using machine = await LabMachine.boot({ kernel, command, memoryMb: lab.memoryMb, cpus: lab.cpus, signal })
    return await Promise.race([connect(machine), aborted(signal)])
  } finally {
    release()
    process.stdin.destroy()
  }
}

/** Connects the machine's streams with this process's until the command has ended and all output is written. */
async function connect(machine: LabMachine): Promise<number> {
  const written = Promise.all([writeOut(machine.stdout, 1), writeOut(machine.stderr, 2)])
  process.stdin.on('error', (error) => {
    say(`cannot read stdin: ${error.message}`)
    machine.stdin.end()
  })
  copy(process.stdin, machine.stdin)
  try {
    const [status] = await Promise.all([machine.exit, written])
    return status
  } catch (error) {
    if (error instanceof ReaderGone) return brokenPipeStatus
    throw error
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
