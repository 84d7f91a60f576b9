// `ipvs adm`: runs a command line of ipvsadm, up to the exit status.
import type { IpvsError } from 'ipvs'
import type { Output } from '../shared/output.ts'
import { carryOut, understand } from './commands.ts'
import { messageOf } from './messages.ts'
import type { Command } from './parse.ts'
import { BAD_COMMAND, CANNOT_LIST, FAILED, UsageError } from './usage-error.ts'

/** Runs a command line in the network namespace at `netns`; returns the exit status. */
export async function adm(words: readonly string[], output: Output, netns?: string): Promise<number> {
  let command: Command
  try {
    command = await understand(words, new Map())
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    output.error(`${error.message}\n`)
    return error.status
  }
  if (command.name === 'help' || command.name === 'version') return carryOut(undefined, command, output)
  const { Ipvs, IpvsError } = await import('ipvs')
  try {
    await using ipvs = await Ipvs.open(netns === undefined ? {} : { netns })
    if (command.name === 'restore') return await (await import('./restore.ts')).restore(ipvs, output)
    return await carryOut(ipvs, command, output)
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error
    output.error(`${error.operation === 'open' ? `Can't initialize ipvs: ${messageOf(error)}` : messageOf(error)}\n`)
    return statusOf(error, command)
  }
}

function statusOf({ operation }: IpvsError, { name }: Command): number {
  if (operation === 'open') return BAD_COMMAND
  const reads = ['list', 'connections', 'timeouts', 'daemons', 'save'].includes(name)
  return reads ? CANNOT_LIST : FAILED
}
