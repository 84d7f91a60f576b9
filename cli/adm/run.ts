// `ipvs adm`: runs a command line of ipvsadm, up to the exit status.
import type { IpvsError } from 'ipvs'
import type { Streams } from '../shared/streams.ts'
import { carryOut, understand } from './commands.ts'
import { messageOf } from './messages.ts'
import type { Command } from './parse.ts'
import { BAD_COMMAND, CANNOT_LIST, FAILED, UsageError } from './usage-error.ts'

/** Runs a command line in the network namespace at `netns`; returns the exit status. */
export async function adm(words: readonly string[], streams: Streams, netns?: string): Promise<number> {
  let command: Command
  try {
    command = await understand(words, new Map())
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    streams.error(`${error.message}\n`)
    return error.status
  }
  if (command.name === 'help' || command.name === 'version') return carryOut(undefined, command, streams)
  const { Ipvs, IpvsError } = await import('ipvs')
  try {
    await using ipvs = await Ipvs.open(netns === undefined ? {} : { netns })
    if (command.name === 'restore') return await (await import('./restore.ts')).restore(ipvs, streams)
    return await carryOut(ipvs, command, streams)
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error
    streams.error(`${error.operation === 'open' ? `Can't initialize ipvs: ${messageOf(error)}` : messageOf(error)}\n`)
    return statusOf(error, command)
  }
}

function statusOf({ operation }: IpvsError, { name }: Command): number {
  if (operation === 'open') return BAD_COMMAND
  const reads = ['list', 'connections', 'timeouts', 'daemons', 'save'].includes(name)
  return reads ? CANNOT_LIST : FAILED
}
