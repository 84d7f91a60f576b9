// Marks that rules of foreign tables set.
import { FULL_MASK } from './checked-rule.ts'
import { RowReader } from '../binding/row-reader.ts'
import { binding } from '../binding/addon.ts'
import type { FoundRows } from '../binding/replies.ts'

/** Families of nf_tables tables, as nft names them. */
export type TableFamily = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev'

/** A rule of another table that sets firewall marks. */
export interface FoundMark {
  /** The mark. Absent if it is computed per packet, for example restored from the connection. */
  readonly mark?: number
  /** Mask of the bits that the rule sets. Absent: all bits. */
  readonly mask?: number
  /** Family of the table. */
  readonly family: TableFamily
  /** Name of the table. */
  readonly table: string
  /** Name of the chain. */
  readonly chain: string
  /** Handle of the rule, as `nft -a list ruleset` shows it. */
  readonly handle: bigint
  /** Name of the map in which the rule looks the mark up; each mark of the map has its own entry. Absent: no map. */
  readonly map?: string
}

/** Names of NFPROTO_* numbers. */
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
