// Conversion of elements to and from native rows. There can be many elements, and their values are already validated: they
// are read and written without an object per row, at the offsets of the addon's schema.
import { familyName, familyNumber } from '../values/address.ts'
import { binding } from '../binding/addon.ts'
import { layoutOfKinds, viewsOf, type RowOf, type Views } from '../binding/row-layout.ts'
import { FULL_MASK } from './checked-rule.ts'
import { MarkElement, keyOf } from './mark-element.ts'
import { COUNTED, Place } from './places.ts'
import { ruleFieldsKey, type RuleFields } from './rule-fields.ts'
import type { Pauses } from '../values/pauses.ts'

// Fields of the record `element`.
const elementKinds = {
  mark: 'u32',
  rule: 'u64',
  handle: 'u64',
  packets: 'u64',
  bytes: 'u64',
  addressFrom: 'bytes',
  addressTo: 'bytes',
  sourceFrom: 'bytes',
  sourceTo: 'bytes',
  mask: 'u32',
  family: 'u16',
  protocol: 'u16',
  portFrom: 'u16',
  portTo: 'u16',
  sourcePortFrom: 'u16',
  sourcePortTo: 'u16',
  targetPort: 'u16',
  place: 'u8',
  counter: 'u8',
  interface: 'text',
  comment: 'text',
} as const
export type ElementRow = RowOf<typeof elementKinds>

const layout = layoutOfKinds(binding.schema, 'element', elementKinds)
const { size: rowSize, all: present } = layout
const offsets = Object.fromEntries(Object.entries(layout.at).map(([name, { offset }]) => [name, offset])) as Readonly<
  Record<keyof ElementRow, number>
>

function writeAddress(bytes: Uint8Array, at: number, text: string, start: number, size: number): void {
  for (let index = 0; index < size; index++) bytes[at + index] = text.charCodeAt(start + index)
}

// Elements of maps match all sources.
function writeAnySource({ bytes, u16 }: Views, row: number, size: number): void {
  for (let index = 0; index < size; index++) bytes[row + offsets.sourceTo + index] = 0xff
  u16[(row + offsets.sourcePortTo) >>> 1] = 65535
}

function writeRuleFields({ bytes, text, u16, u32, u64 }: Views, row: number, ruleFields: RuleFields): void {
  const { handle, mask, sourceFrom, sourceTo, sourcePorts, targetPort, interfaceName } = ruleFields
  u64[(row + offsets.handle) >>> 3] = handle
  u32[(row + offsets.mask) >>> 2] = mask
  writeAddress(bytes, row + offsets.sourceFrom, sourceFrom, 0, sourceFrom.length)
  writeAddress(bytes, row + offsets.sourceTo, sourceTo, 0, sourceTo.length)
  u16[(row + offsets.sourcePortFrom) >>> 1] = sourcePorts.from
  u16[(row + offsets.sourcePortTo) >>> 1] = sourcePorts.to
  u16[(row + offsets.targetPort) >>> 1] = targetPort
  text.write(interfaceName, row + offsets.interface)
}

function writeElement(views: Views, row: number, element: MarkElement): void {
  const { bytes, text, u16, u32, u64 } = views
  const { key, mark, rule, family, addressSize, place, counter, comment, ruleFields } = element
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
  bytes[row + offsets.place] = ruleFields === undefined && counter !== undefined ? place + COUNTED : place
  if (counter !== undefined) {
    bytes[row + offsets.counter] = 1
    u64[(row + offsets.packets) >>> 3] = counter.packets
    u64[(row + offsets.bytes) >>> 3] = counter.bytes
  }
  if (ruleFields === undefined) writeAnySource(views, row, addressSize)
  else writeRuleFields(views, row, ruleFields)
  if (comment !== '') text.write(comment, row + offsets.comment)
}

export async function writeElements(elements: readonly MarkElement[], pauses: Pauses): Promise<ArrayBuffer> {
  const rows = new ArrayBuffer(elements.length * rowSize)
  const views = viewsOf(rows)
  let row = 0
  for (const element of elements) {
    writeElement(views, row, element)
    row += rowSize
    if (pauses.isDue()) await pauses.take()
  }
  return rows
}

function readText(text: Buffer, start: number): string {
  return text[start] === 0 ? '' : text.toString('utf8', start, text.indexOf(0, start))
}

function readRuleFields({ text, u16, u32, u64 }: Views, row: number, size: number): RuleFields {
  const number = (offset: number) => u16[(row + offset) >>> 1] as number
  const address = (offset: number) => text.toString('latin1', row + offset, row + offset + size)
  return {
    handle: u64[(row + offsets.handle) >>> 3] as bigint,
    mask: u32[(row + offsets.mask) >>> 2] as number,
    sourceFrom: address(offsets.sourceFrom),
    sourceTo: address(offsets.sourceTo),
    interfaceName: readText(text, row + offsets.interface),
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
  const { bytes, text, u16, u32, u64 } = views
  const number = (offset: number) => u16[(row + offset) >>> 1] as number
  const family = familyName(number(offsets.family))
  const size = family === 'ipv4' ? 4 : 16
  const address = (offset: number) => bytes.subarray(row + offset, row + offset + size)
  const stored = bytes[row + offsets.place] as number
  const place = stored >= COUNTED && stored < Place.special ? stored - COUNTED : stored
  const mark = u32[(row + offsets.mark) >>> 2] as number
  const rule = u64[(row + offsets.rule) >>> 3] as bigint
  const ruleFields = place >= Place.special ? readRuleFields(views, row, size) : undefined
  const block = { family, from: address(offsets.addressFrom), to: address(offsets.addressTo) }
  const ports = { from: number(offsets.portFrom), to: number(offsets.portTo) }
  const start = keyOf(block, number(offsets.protocol), ports, place)
  const key = ruleFields === undefined ? start : start + ruleFieldsKey(ruleFields, mark)
  return new MarkElement(key, mark, rule, readText(text, row + offsets.comment), readCounter(views, row), ruleFields)
}

export async function readElements(rows: ArrayBuffer, pauses: Pauses): Promise<MarkElement[]> {
  const views = viewsOf(rows)
  const elements: MarkElement[] = []
  for (let row = 0; row < rows.byteLength; row += rowSize) {
    elements.push(readElement(views, row))
    if (pauses.isDue()) await pauses.take()
  }
  return elements
}
