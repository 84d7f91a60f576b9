// Files with mark rules, where the guide (docs/marks.md) puts them.
import { readFile } from 'node:fs/promises'

export interface SavedMarks {
  readonly file: string
  readonly marks: readonly number[]
}

const NFT_FILE = '/etc/ipvs-marks.nft'
const JSON_FILES = ['/etc/ipvs.json', '/var/lib/ipvs/table.json']

/** Marks in what `ipvs marks export` prints. */
export function marksOfExport(text: string): number[] {
  const found = [...text.matchAll(/(?:: |mark set (?:mark )?(?:and 0x[0-9a-f]+ (?:or|xor) )?)(0x[0-9a-f]+)/g)]
  return [...new Set(found.map(([, mark]) => Number(mark)))]
}

/** Marks in what `ipvs save` prints. */
export function marksOfDocument(text: string): number[] {
  const { marks = [] } = JSON.parse(text) as { marks?: readonly { mark: number | string }[] }
  return [...new Set(marks.map(({ mark }) => Number(mark)))]
}

/** Files that are not there, or are something else, have none. */
export async function readSaved(): Promise<SavedMarks[]> {
  const found: SavedMarks[] = []
  for (const file of [NFT_FILE, ...JSON_FILES]) {
    try {
      const text = await readFile(file, 'utf8')
      found.push({ file, marks: file === NFT_FILE ? marksOfExport(text) : marksOfDocument(text) })
    } catch {
      continue
    }
  }
  return found
}

/** The command that brings the rules of such a file back. */
export function loadCommand({ file }: SavedMarks): string {
  return file === NFT_FILE ? `nft -f ${file}` : `ipvs restore ${file}`
}
