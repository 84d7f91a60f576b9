// Elements as rows of the native side, and back. There can be many, all of them values that were checked before: they are
// read and written without an object for each row, but by the addon's schema as everything else.
import { familyName, familyNumber } from '../values/address.ts'
import { binding } from '../binding/addon.ts'
import { FULL_MASK } from './rule.ts'
import { MarkElement, keyOf } from './element.ts'
import { COUNTED, Place, specialKey, type Special } from './rule-element.ts'
import type { Slices } from '../values/time-slices.ts'

/** Fields of the record `element`. */
export interface ElementRow {
  readonly mark: number
  readonly rule: bigint
  readonly handle: bigint
  readonly packets: bigint
  readonly bytes: bigint
  readonly addressFrom: Uint8Array
  readonly addressTo: Uint8Array
  readonly sourceFrom: Uint8Array
  readonly sourceTo: Uint8Array
  readonly mask: number
  readonly family: number
  readonly protocol: number
  readonly portFrom: number
  readonly portTo: number
  readonly sourcePortFrom: number
  readonly sourcePortTo: number
  readonly targetPort: number
  readonly place: number
  readonly counter: number
  readonly interface: string
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
    octets: new Uint8Array(rows), // parts of a Buffer are dearer
    u16: new Uint16Array(rows),
    u32: new Uint32Array(rows),
    u64: new BigUint64Array(rows),
  }
}
type Views = ReturnType<typeof viewsOf>

function writeAddress(bytes: Buffer, at: number, text: string, start: number, size: number): void {
  for (let index = 0; index < size; index++) bytes[at + index] = text.charCodeAt(start + index)
}

// All sources: what elements of maps are for.
function writeAnySource({ bytes, u16 }: Views, row: number, size: number): void {
  for (let index = 0; index < size; index++) bytes[row + offsets.sourceTo + index] = 0xff
  u16[(row + offsets.sourcePortTo) >>> 1] = 65535
}

function writeSpecial({ bytes, u16, u32, u64 }: Views, row: number, special: Special): void {
  const { handle, mask, sourceFrom, sourceTo, sourcePorts, targetPort, interfaceName } = special
  u64[(row + offsets.handle) >>> 3] = handle
  u32[(row + offsets.mask) >>> 2] = mask
  writeAddress(bytes, row + offsets.sourceFrom, sourceFrom, 0, sourceFrom.length)
  writeAddress(bytes, row + offsets.sourceTo, sourceTo, 0, sourceTo.length)
  u16[(row + offsets.sourcePortFrom) >>> 1] = sourcePorts.from
  u16[(row + offsets.sourcePortTo) >>> 1] = sourcePorts.to
  u16[(row + offsets.targetPort) >>> 1] = targetPort
  bytes.write(interfaceName, row + offsets.interface)
}

function writeElement(views: Views, row: number, element: MarkElement): void {
  const { bytes, u16, u32, u64 } = views
  const { key, mark, rule, family, addressSize, place, counter, comment, special } = element
  u32[row >>> 2] = present
  u32[(row + offsets.mark) >>> 2] = mark
  u64[(row + offsets.rule) >>> 3] = rule
  writeAddress(bytes, row + offsets.addressFrom, key, 1, addressSize)
  writeAddress(bytes, row + offsets.addressTo, key, 1 + addressSize, addressSize)
  u32[(row + offsets.mask) >>> 2] = FULL_MASK
  u16[(row + offsets.family) >>> 1] = familyNumber(family)
  u16[(row + offsets.protocol) >>> 1] = element.protocol
  u16[(row + offsets.portFrom) >>> 1] = element.portFrom
  u16[(row + offsets.portTo) >>> 1] = element.portTo
  bytes[row + offsets.place] = special === undefined && counter !== undefined ? place + COUNTED : place
  if (counter !== undefined) {
    bytes[row + offsets.counter] = 1
    u64[(row + offsets.packets) >>> 3] = counter.packets
    u64[(row + offsets.bytes) >>> 3] = counter.bytes
  }
  if (special === undefined) writeAnySource(views, row, addressSize)
  else writeSpecial(views, row, special)
  if (comment !== '') bytes.write(comment, row + offsets.comment)
}

export async function writeElements(elements: readonly MarkElement[], slices: Slices): Promise<ArrayBuffer> {
  const rows = new ArrayBuffer(elements.length * rowSize)
  const views = viewsOf(rows)
  let row = 0
  for (const element of elements) {
    writeElement(views, row, element)
    row += rowSize
    if (slices.due()) await slices.next()
  }
  return rows
}

function readText(bytes: Buffer, start: number): string {
  return bytes[start] === 0 ? '' : bytes.toString('utf8', start, bytes.indexOf(0, start))
}

function readSpecial({ bytes, u16, u32, u64 }: Views, row: number, size: number): Special {
  const number = (offset: number) => u16[(row + offset) >>> 1] as number
  const address = (offset: number) => bytes.toString('latin1', row + offset, row + offset + size)
  return {
    handle: u64[(row + offsets.handle) >>> 3] as bigint,
    mask: u32[(row + offsets.mask) >>> 2] as number,
    sourceFrom: address(offsets.sourceFrom),
    sourceTo: address(offsets.sourceTo),
    interfaceName: readText(bytes, row + offsets.interface),
    sourcePorts: { from: number(offsets.sourcePortFrom), to: number(offsets.sourcePortTo) },
    targetPort: number(offsets.targetPort),
  }
}

function readCounter({ bytes, u64 }: Views, row: number) {
  if (bytes[row + offsets.counter] === 0) return undefined
  const number = (offset: number) => u64[(row + offset) >>> 3] as bigint
  return { packets: number(offsets.packets), bytes: number(offsets.bytes) }
}

function readElement(views: Views, row: number): MarkElement {
  const { bytes, octets, u16, u32, u64 } = views
  const number = (offset: number) => u16[(row + offset) >>> 1] as number
  const family = familyName(number(offsets.family))
  const size = family === 'ipv4' ? 4 : 16
  const address = (offset: number) => octets.subarray(row + offset, row + offset + size)
  const stored = bytes[row + offsets.place] as number
  const place = stored >= COUNTED && stored < Place.special ? stored - COUNTED : stored
  const mark = u32[(row + offsets.mark) >>> 2] as number
  const rule = u64[(row + offsets.rule) >>> 3] as bigint
  const special = place >= Place.special ? readSpecial(views, row, size) : undefined
  const block = { family, from: address(offsets.addressFrom), to: address(offsets.addressTo) }
  const ports = { from: number(offsets.portFrom), to: number(offsets.portTo) }
  const start = keyOf(block, number(offsets.protocol), ports, place)
  const key = special === undefined ? start : start + specialKey(special, mark)
  return new MarkElement(key, mark, rule, readText(bytes, row + offsets.comment), readCounter(views, row), special)
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
