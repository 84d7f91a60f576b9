// The director's handles of the kernel, and what it reads beside the state.
import { FirewallMarks, Ipvs } from 'ipvs'

/** The director's own nf_tables table. */
export const MARKS_TABLE = 'ipvs-director'

export interface OpenKernel extends AsyncDisposable {
  readonly ipvs: Ipvs
  readonly marks: FirewallMarks
}

export async function openKernel(): Promise<OpenKernel> {
  const ipvs = await Ipvs.open()
  try {
    const marks = await FirewallMarks.open({ table: MARKS_TABLE })
    return {
      ipvs,
      marks,
      async [Symbol.asyncDispose]() {
        await Promise.all([ipvs.close(), marks.close()])
      },
    }
  } catch (error) {
    await ipvs.close()
    throw error
  }
}

/** Marks that rules of other tables set. */
export async function foreignMarks(marks: FirewallMarks): Promise<Set<number>> {
  const found = await marks.findMarks()
  return new Set(found.map(({ mark }) => mark).filter((mark) => mark !== undefined))
}
