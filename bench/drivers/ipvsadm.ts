// ipvsadm, run from Node.js. Time is wall time from spawn to exit, so it includes the start of the process.
import { spawn } from 'node:child_process'

import { commandOf } from '../trials/commands.ts'
import { operationsOf } from '../trials/operations.ts'
import type { Table } from '../trials/table.ts'
import type { Action, Driver } from './driver.ts'
import { medianOfRounds } from './rounds.ts'

function run(args: readonly string[], input?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // The output is discarded: reading it would cost extra.
    const child = spawn('ipvsadm', args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'inherit'] })
    child.once('error', reject)
    child.once('exit', (status, signal) => {
      if (status === 0) resolve()
      else reject(new Error(`ipvsadm ${args.join(' ')} ended with ${signal ?? status}`))
    })
    child.stdin?.on('error', () => {}) // its exit status reports the failure
    child.stdin?.end(input)
  })
}

function driver(action: Driver['action']): Driver {
  return { action, close: async () => {} }
}

/** `ipvsadm -R`, with the commands on its standard input. */
export async function openRestore(table: Table): Promise<Driver> {
  return driver((phase) => {
    const lines = operationsOf(phase, table)?.map((operation) => `${commandOf(operation).join(' ')}\n`)
    if (lines === undefined) return undefined
    const input = lines.join('')
    return async () => {
      await run(['-R'], input)
      return {}
    }
  })
}

function eachCommand(commands: readonly string[][]): Action {
  return async () => {
    for (const command of commands) await run(command)
    return {}
  }
}

/** One process per operation. */
export async function openEach(table: Table): Promise<Driver> {
  return driver((phase) => {
    if (phase === 'single') {
      const [add, remove] = [operationsOf('add', table)?.[0], operationsOf('remove', table)?.[0]]
      if (add === undefined || remove === undefined) return undefined
      const commands = [commandOf(add), commandOf(remove)]
      return async () => ({ seconds: await medianOfRounds(10, (index) => run(commands[index % 2] ?? [])) })
    }
    const commands = operationsOf(phase, table)?.map(commandOf)
    return commands === undefined ? undefined : eachCommand(commands)
  })
}

/** `ipvsadm -Ln`, which reads services and destinations. */
export async function openListing(): Promise<Driver> {
  return driver((phase) => (phase === 'snapshot' ? eachCommand([['-Ln']]) : undefined))
}
