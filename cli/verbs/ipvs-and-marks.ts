// Handles of both kinds for one command.
import { IpvsError, type FirewallMarks, type Ipvs } from 'ipvs'
import type { Command } from 'commander'
import type { Context } from '../shared/context.ts'

// Without nf_tables, tables without marks can still be saved and restored.
async function openMarks(context: Context, command: Command, needed: boolean): Promise<FirewallMarks | undefined> {
  const { FirewallMarks } = await import('ipvs')
  try {
    return await FirewallMarks.open(context.openOptions(command))
  } catch (error) {
    if (!needed && error instanceof IpvsError && error.code === 'ERR_IPVS_UNAVAILABLE') return undefined
    throw error
  }
}

/** Calls `use` with handles that are closed afterwards; without marks where the kernel has no nf_tables and none are needed. */
export async function withIpvsAndMarks(
  context: Context,
  command: Command,
  marksNeeded: boolean,
  use: (ipvs: Ipvs, marks: FirewallMarks | undefined) => Promise<void>,
): Promise<void> {
  await context.withIpvs(command, async (ipvs) => {
    const marks = await openMarks(context, command, marksNeeded)
    try {
      await use(ipvs, marks)
    } finally {
      await marks?.close()
    }
  })
}
