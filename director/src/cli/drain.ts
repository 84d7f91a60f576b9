// How far a drain is, from the status of the daemon.
import type { Status } from '../control/status.ts'

export interface DrainProgress {
  readonly waiting: boolean
  /** What is waited for. */
  readonly lines: readonly string[]
}

const draining: ReadonlySet<string> = new Set(['draining', 'moving'])

/**
 * The drain of `web1`, or of `shop/web1`. Over: each of its servers is drained, and the kernel has it. Throws if it has ended
 * otherwise: somebody ended it, the server has left the site, or a service cannot drain it.
 */
export function drainOf(target: string, { services, lastRound }: Status): DrainProgress {
  const servers = services.flatMap(({ name, servers: all }) =>
    all.map((server) => ({ ...server, id: `${name}/${server.name}` })),
  )
  const mine = servers.filter(({ id, name }) => id === target || name === target)
  if (mine.length === 0) throw new Error(`${target} is no longer in the site; nobody knows whether it was drained`)
  // An order about shop/web1 stands above one about web1.
  const own = mine.filter(({ override }) => override?.target === target)
  if (own.length === 0 || own.some(({ override }) => override?.kind !== 'drain')) {
    throw new Error(`the drain of ${target} has ended before it was over`)
  }
  const lost = own.find(({ code }) => !draining.has(code) && code !== 'drained')
  if (lost !== undefined) throw new Error(`${lost.id} is not drained: ${lost.reason}`)
  const failures = lastRound?.failures ?? []
  const lines = [
    ...own.filter(({ code }) => draining.has(code)).map(({ id, reason }) => `${id}: ${reason}`),
    ...failures.map((failure) => `waits for the kernel: ${failure}`),
  ]
  return { waiting: lines.length > 0, lines }
}
