// An initrd is a cpio archive in the "newc" format. Writing it here takes less code than calling cpio, and needs neither a tool on
// the host nor root (cpio copies files, which would need the right owner).

export interface InitrdEntry {
  readonly path: string
  /** Permission bits; `content` determines the file type. */
  readonly mode: number
  /** Absent for a directory. */
  readonly content?: Uint8Array
}

const typeDirectory = 0o040000
const typeRegular = 0o100000

/** Packs entries in the given order: a directory must precede its contents. */
export function packInitrd(entries: readonly InitrdEntry[]): Buffer {
  const records = entries.map((entry, index) => packEntry(entry, index + 1))
  records.push(packRecord('TRAILER!!!', 0, 0, new Uint8Array()))
  return Buffer.concat(records)
}

function packEntry(entry: InitrdEntry, inode: number): Buffer {
  const type = entry.content === undefined ? typeDirectory : typeRegular
  return packRecord(entry.path, inode, type | entry.mode, entry.content ?? new Uint8Array())
}

function packRecord(name: string, inode: number, mode: number, content: Uint8Array): Buffer {
  const nameBytes = Buffer.from(`${name}\0`)
  const owner = 0
  const links = 1
  const modified = 0
  const device = 0
  const checksum = 0
  const fields = [inode, mode, owner, owner, links, modified, content.length, device, device, device, device]
  const header = '070701' + [...fields, nameBytes.length, checksum].map(hex8).join('')
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), nameBytes])), padded(content)])
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0')
}

function padded(bytes: Uint8Array): Uint8Array {
  const missing = (4 - (bytes.length % 4)) % 4
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)])
}
