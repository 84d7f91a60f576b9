// Files with mark rules, at the paths from docs/marks.md.
import { readFile } from 'node:fs/promises'

export interface SavedMarks {
  readonly file: string
  readonly marks: readonly number[]
}

const NFT_FILE = '/etc/ipvs-marks.nft'
const JSON_FILES = ['/etc/ipvs.json', '/var/lib/ipvs/table.json']

/** Marks in the output of `ipvs marks export`. */
export function marksOfExport(text: string): number[] {
  const found = [...text.matchAll(/(?:: |mark set (?:mark )?(?:and 0x[0-9a-f]+ (?:or|xor) )?)(0x[0-9a-f]+)/g)]
  return [...new Set(found.map(([, mark]) => Number(mark)))]
}

/** Marks in the output of `ipvs save`. */
export function marksOfDocument(text: string): number[] {
  const { marks = [] } = JSON.parse(text) as { marks?: readonly { mark: number | string }[] }
  return [...new Set(marks.map(({ mark }) => Number(mark)))]
}

/** Missing files, and files in another format, are skipped. */
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

/** The command that loads the rules from the file. */
export function loadCommand({ file }: SavedMarks): string {
  return file === NFT_FILE ? `nft -f ${file}` : `ipvs restore ${file}`
}
