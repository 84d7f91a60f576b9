// Elements as rows of the native side, and back. There can be many, all of them values that were checked before: they are
// read and written without an object for each row, but by the addon's schema as everything else.
import { AF_INET6, familyNumber } from './address.ts'
import { binding } from './binding.ts'
import { MarkElement, keyEnd } from './mark-elements.ts'
import type { Slices } from './slices.ts'

/** Fields of the record `element`. */
export interface ElementRow {
  readonly mark: number
  readonly rule: bigint
  readonly addressFrom: Uint8Array
  readonly addressTo: Uint8Array
  readonly family: number
  readonly protocol: number
  readonly portFrom: number
  readonly portTo: number
  readonly interval: number
  readonly comment: string
}

interface Layout {
  readonly size: number
  /** Presence bits of a row that has all its fields. */
  readonly present: number
  readonly offsets: Readonly<Record<keyof ElementRow, number>>
}

function layoutOf(): Layout {
  const record = binding.schema.find(({ name }) => name === 'element')
  if (record === undefined) throw new Error('ipvs: the native build knows no record "element"; build it again')
  const offsets = Object.fromEntries(record.fields.map(({ name, offset }) => [name, offset]))
  return { size: record.size, present: 2 ** record.fields.length - 1, offsets: offsets as Layout['offsets'] }
}

const { size: rowSize, present, offsets } = layoutOf()

/** Room for so many rows. */
function viewsOf(rows: ArrayBuffer) {
  return {
    bytes: Buffer.from(rows),
    u16: new Uint16Array(rows),
    u32: new Uint32Array(rows),
    u64: new BigUint64Array(rows),
  }
}
type Views = ReturnType<typeof viewsOf>

function writeAddress(bytes: Buffer, at: number, text: string): void {
  for (let index = 1; index < text.length; index++) bytes[at + index - 1] = text.charCodeAt(index) // [0]: the family
}

function writeElement({ bytes, u16, u32, u64 }: Views, row: number, element: MarkElement): void {
  const { key, mark, rule, family, from, to, protocol, portFrom, portTo, comment } = element
  u32[row >>> 2] = present
  u32[(row + offsets.mark) >>> 2] = mark
  u64[(row + offsets.rule) >>> 3] = rule
  writeAddress(bytes, row + offsets.addressFrom, from)
  writeAddress(bytes, row + offsets.addressTo, to)
  u16[(row + offsets.family) >>> 1] = familyNumber(family)
  u16[(row + offsets.protocol) >>> 1] = protocol
  u16[(row + offsets.portFrom) >>> 1] = portFrom
  u16[(row + offsets.portTo) >>> 1] = portTo
  bytes[row + offsets.interval] = key.charCodeAt(key.length - 1)
  if (comment !== '') bytes.write(comment, row + offsets.comment)
}

export async function writeElements(elements: readonly MarkElement[], slices: Slices): Promise<ArrayBuffer> {
  const rows = new ArrayBuffer(elements.length * rowSize)
  const views = viewsOf(rows)
  for (const [index, element] of elements.entries()) {
    writeElement(views, index * rowSize, element)
    if (slices.due()) await slices.next()
  }
  return rows
}

function readComment(bytes: Buffer, start: number): string {
  return bytes[start] === 0 ? '' : bytes.toString('utf8', start, bytes.indexOf(0, start))
}

function readElement({ bytes, u16, u32, u64 }: Views, row: number): MarkElement {
  const number = (offset: number) => u16[(row + offset) >>> 1] as number
  const isIPv6 = number(offsets.family) === AF_INET6
  const address = (offset: number) => bytes.toString('latin1', row + offset, row + offset + (isIPv6 ? 16 : 4))
  const interval = bytes[row + offsets.interval] as number
  const key =
    (isIPv6 ? '6' : '4') +
    address(offsets.addressFrom) +
    address(offsets.addressTo) +
    keyEnd(number(offsets.protocol), number(offsets.portFrom), number(offsets.portTo), interval)
  const mark = u32[(row + offsets.mark) >>> 2] as number
  const rule = u64[(row + offsets.rule) >>> 3] as bigint
  return new MarkElement(key, mark, rule, readComment(bytes, row + offsets.comment))
}

export async function readElements(rows: ArrayBuffer, slices: Slices): Promise<MarkElement[]> {
  const views = viewsOf(rows)
  const elements: MarkElement[] = []
  for (let row = 0; row < rows.byteLength; row += rowSize) {
    elements.push(readElement(views, row))
    if (slices.due()) await slices.next()
  }
  return elements
}
