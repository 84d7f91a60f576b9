// Elements as rows of the native side, and back. Listings are long and every handle needs them: they are read without an
// object per row, but by the addon's schema as everything else.
import { AF_INET6, familyNumber } from './address.ts'
import { binding } from './binding.ts'
import { MarkElement, keyEnd } from './mark-elements.ts'
import { RowWriter } from './rows.ts'
import type { Slices } from './slices.ts'

/** A row of the record `element`. */
export interface ElementRow {
  readonly mark?: number | undefined
  readonly rule?: bigint | undefined
  readonly addressFrom?: Uint8Array | undefined
  readonly addressTo?: Uint8Array | undefined
  readonly family?: number | undefined
  readonly protocol?: number | undefined
  readonly portFrom?: number | undefined
  readonly portTo?: number | undefined
  readonly interval?: number | undefined
  readonly comment?: string | undefined
}

const writer: RowWriter<ElementRow> = new RowWriter(binding.schema, 'element')

function rowOf(element: MarkElement): ElementRow {
  const { key, mark, rule, family, from, to, protocol, portFrom, portTo, comment } = element
  return {
    mark,
    rule,
    addressFrom: Buffer.from(from.slice(1), 'latin1'),
    addressTo: Buffer.from(to.slice(1), 'latin1'),
    family: familyNumber(family),
    protocol,
    portFrom,
    portTo,
    interval: key.charCodeAt(key.length - 1),
    comment: comment === '' ? undefined : comment,
  }
}

export async function writeElements(elements: readonly MarkElement[], slices: Slices): Promise<ArrayBuffer> {
  const block = writer.block(elements.length)
  for (const element of elements) {
    block.append(rowOf(element))
    if (slices.due()) await slices.next()
  }
  return block.toBuffer()
}

type Layout = Readonly<Record<keyof ElementRow, number>> & { readonly size: number }

function layoutOf(): Layout {
  const record = binding.schema.find(({ name }) => name === 'element')
  const offsets = record?.fields.map(({ name, offset }) => [name, offset] as const) ?? []
  return { ...Object.fromEntries(offsets), size: record?.size ?? 0 } as Layout
}

const layout = layoutOf()

export async function readElements(rows: ArrayBuffer, slices: Slices): Promise<MarkElement[]> {
  const text = Buffer.from(rows)
  const u16 = new Uint16Array(rows)
  const u32 = new Uint32Array(rows)
  const u64 = new BigUint64Array(rows)
  const bytes = (start: number, size: number) => text.toString('latin1', start, start + size)
  const elements: MarkElement[] = []
  for (let row = 0; row < rows.byteLength; row += layout.size) {
    const number = (name: keyof ElementRow) => u16[(row + layout[name]) >>> 1] as number
    const isIPv6 = number('family') === AF_INET6
    const size = isIPv6 ? 16 : 4
    const interval = text[row + layout.interval] as number
    const addresses = bytes(row + layout.addressFrom, size) + bytes(row + layout.addressTo, size)
    const end = keyEnd(number('protocol'), number('portFrom'), number('portTo'), interval)
    const mark = u32[(row + layout.mark) >>> 2] as number
    const rule = u64[(row + layout.rule) >>> 3] as bigint
    elements.push(new MarkElement((isIPv6 ? '6' : '4') + addresses + end, mark, rule, comment(row + layout.comment)))
    if (slices.due()) await slices.next()
  }
  return elements

  function comment(start: number): string {
    return text[start] === 0 ? '' : text.toString('utf8', start, text.indexOf(0, start))
  }
}
