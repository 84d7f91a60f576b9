// Marks that rules of others give.
import { FULL_MASK } from './rule.ts'
import { RowReader } from '../binding/row-reader.ts'
import { binding } from '../binding/addon.ts'
import type { FoundRows } from '../binding/replies.ts'

/** Families of nf_tables tables, as nft names them. */
export type TableFamily = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev'

/** A rule of another table that sets firewall marks. */
export interface FoundMark {
  /** Absent: only the kernel knows, when the packet is there; for instance the mark that a connection has saved. */
  readonly mark?: number
  /** The bits that it sets; the others stay. Absent: all. */
  readonly mask?: number
  /** Family of the table. */
  readonly family: TableFamily
  /** Name of the table. */
  readonly table: string
  /** Name of the chain. */
  readonly chain: string
  /** Number of the rule in its table, as `nft -a list ruleset` shows it. */
  readonly handle: bigint
  /** The map that the mark is looked up in; there is an entry for each mark in it. Absent: none. */
  readonly map?: string
}

/** By NFPROTO_*. */
export const families: Readonly<Record<number, TableFamily>> = {
  1: 'inet',
  2: 'ip',
  3: 'arp',
  5: 'netdev',
  7: 'bridge',
  10: 'ip6',
}

interface FoundMarkRow {
  readonly mark: number
  readonly handle: bigint
  readonly mask: number
  readonly known: number
  readonly family: number
  readonly table: string
  readonly chain: string
  readonly map: string
}

function foundMark({ mark, handle, mask, known, family, table, chain, map }: FoundMarkRow): FoundMark {
  return {
    ...(known === 1 && { mark }),
    ...(mask !== FULL_MASK && { mask }),
    family: families[family] ?? 'inet',
    table,
    chain,
    handle,
    ...(map !== '' && { map }),
  }
}

const reader = new RowReader<FoundMarkRow>(binding.schema, 'foundMark')

export function readFoundMarks({ rows }: FoundRows): FoundMark[] {
  const found = reader.rows(rows)
  return Array.from({ length: found.length }, (_, index) => foundMark(found.at(index)))
}
