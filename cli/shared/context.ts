// The context of verbs: handles, and watching.
import { setTimeout } from 'node:timers/promises'
import { IpvsError, type FirewallMarks, type Ipvs } from 'ipvs'
import type { Command } from 'commander'
import { netnsPath } from './netns.ts'
import type { Streams } from './streams.ts'

export interface Context {
  readonly streams: Streams
  /** The exit status if nothing fails. */
  status: number
  /** The options of `open` from the command line. */
  openOptions(command: Command): { netns?: string }
  /** Calls `use` with a handle that is closed afterwards. */
  withIpvs(command: Command, use: (ipvs: Ipvs) => Promise<void>): Promise<void>
  withMarks(command: Command, use: (marks: FirewallMarks) => Promise<void>): Promise<void>
}

function openOptions(command: Command): { netns?: string } {
  const { netns } = command.optsWithGlobals<{ netns?: string }>()
  return netns === undefined ? {} : { netns: netnsPath(netns) }
}

export function createContext(streams: Streams): Context {
  return {
    streams,
    status: 0,
    openOptions,
    async withIpvs(command, use) {
      const { Ipvs } = await import('ipvs')
      await using ipvs = await Ipvs.open(openOptions(command))
      await use(ipvs)
    },
    async withMarks(command, use) {
      const { FirewallMarks } = await import('ipvs')
      await using marks = await FirewallMarks.open(openOptions(command))
      await use(marks)
    },
  }
}

/** The value of `--watch [seconds]` from commander. */
export type Watch = true | number | undefined

// A watched namespace whose name is gone or reused is no longer the requested one.
async function assertStillThere(ipvs: Ipvs): Promise<void> {
  const status = await ipvs.namespaceStatus()
  if (status === 'current') return
  const problem =
    status === 'missing'
      ? 'the network namespace was deleted'
      : 'the network namespace was deleted and its name reused; start again to watch the new one'
  throw new IpvsError('ERR_IPVS_UNAVAILABLE', problem, { operation: 'watch', target: '' })
}

/** Prints once, or repeatedly with `watch`: in place on a terminal, otherwise one output after the other. */
export async function printing(
  streams: Streams,
  watch: Watch,
  ipvs: Ipvs,
  render: () => Promise<string>,
): Promise<void> {
  if (watch === undefined) return streams.out(await render())
  const seconds = watch === true ? 2 : watch
  for (;;) {
    await assertStillThere(ipvs)
    const text = await render()
    streams.out(streams.terminal ? `\u001B[H\u001B[2J${text}` : `${text}\n`)
    await setTimeout(seconds * 1000)
  }
}
