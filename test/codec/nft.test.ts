// The mark map against nft, in both directions: what nft sends for our table we send too, what the kernel answers nft we read.
import { afterEach, describe, expect, test } from 'vitest'

import { binding, type NativeMarksSession } from '../../lib/binding/addon.ts'
import type { ElementRow } from '../../lib/marks/element-rows.ts'
import { RowReader } from '../../lib/binding/row-reader.ts'
import { RowWriter } from '../../lib/binding/row-writer.ts'
import {
  answer,
  doneDump,
  generation,
  playKernel,
  withSequence,
  type FakeKernel,
  type Request,
} from '../kernel/fake-kernel.ts'
import { golden, goldenNames } from './golden.ts'

const NFTABLES = 0x0a00
const [NEWTABLE, NEWCHAIN, NEWRULE, NEWSET, NEWSETELEM] = [0, 3, 6, 9, 12].map((message) => NFTABLES + message)
const [GETRULE, GETSETELEM, GETGEN] = [NFTABLES + 7, NFTABLES + 13, NFTABLES + 16]
const BATCH_BEGIN = 16
const call = { id: 1, timeoutMs: 5000 }

const address = (...bytes: readonly number[]): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => bytes[i] ?? 0)
const ipv6 = (tail: readonly number[]): Uint8Array => Uint8Array.from([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, ...tail])
const row = (fields: Partial<ElementRow>): ElementRow => {
  const from = fields.addressFrom ?? address()
  const [portFrom = 0, family = 2] = [fields.portFrom, fields.family]
  const all = Uint8Array.from({ length: 16 }, (_, index) => (family === 2 && index > 3 ? 0 : 255))
  const any = { sourceFrom: address(), sourceTo: all, sourcePortFrom: 0, sourcePortTo: 65535, interface: '' }
  const none = { rule: 0n, handle: 0n, packets: 0n, bytes: 0n, counter: 0, targetPort: 0, place: 0, comment: '' }
  const rest = { mark: 7, mask: 0xffffffff, protocol: 6, ...any, ...none }
  return { ...rest, family, addressFrom: from, addressTo: from, portFrom, portTo: portFrom, ...fields }
}

// The elements of the table that scripts/capture-golden.mjs gives to nft.
const web = address(172, 16, 0, 100)
const anyPort = { portFrom: 0, portTo: 65535 }
const v6 = ipv6([0, 0, 0, 0, 0, 0, 1, 0])
const elements: readonly ElementRow[] = [
  row({ addressFrom: web, portFrom: 80 }),
  row({ addressFrom: web, portFrom: 443 }),
  row({ addressFrom: web, portFrom: 444, counter: 1, place: 3 }),
  row({ mark: 21, addressFrom: address(192, 168, 1, 11), portFrom: 10000, portTo: 20000, place: 1 }),
  row({ mark: 4, addressFrom: address(172, 16, 0, 101), protocol: 0, ...anyPort, place: 2 }),
  row({ mark: 5, addressFrom: address(10, 1, 0, 0), addressTo: address(10, 1, 255, 255), ...anyPort, place: 2 }),
  row({ mark: 9, family: 10, addressFrom: v6, protocol: 17, portFrom: 53 }),
  row({
    mark: 3,
    family: 10,
    addressFrom: ipv6([0, 0, 0, 0, 0, 0, 0, 0]),
    addressTo: ipv6([255, 255, 255, 255, 255, 255, 255, 255]),
    protocol: 132,
    portFrom: 1,
    portTo: 9,
    place: 1,
    comment: 'all of them',
  }),
  row({ mark: 6, family: 10, addressFrom: ipv6([0, 0, 0, 0, 0, 0, 1, 1]), protocol: 0, ...anyPort, place: 2 }),
  row({
    mask: 0xff,
    addressFrom: address(10, 0, 0, 5),
    addressTo: address(10, 0, 0, 9),
    protocol: 0,
    ...anyPort,
    interface: 'eth*',
    place: 6,
  }),
  row({
    mark: 8,
    addressFrom: web,
    portFrom: 80,
    sourceFrom: address(10),
    sourceTo: address(10, 255, 255, 255),
    interface: 'eth0',
    place: 6,
    counter: 1,
    comment: 'partners',
  }),
  row({
    mark: 9,
    family: 10,
    addressFrom: v6,
    protocol: 17,
    portFrom: 5000,
    portTo: 5100,
    sourceFrom: ipv6([0, 0, 0, 0, 0, 0, 0, 0]),
    sourceTo: Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0x0f, ...Array<number>(10).fill(255)),
    place: 6,
  }),
  row({
    mark: 0,
    addressTo: address(255, 255, 255, 255),
    ...anyPort,
    sourceFrom: address(10),
    sourceTo: address(10, 0, 0, 255),
    sourcePortFrom: 20,
    sourcePortTo: 20,
    place: 7,
  }),
  row({ mark: 0, addressFrom: web, portFrom: 80, targetPort: 8080, place: 8 }),
  row({ mark: 0, family: 10, addressFrom: v6, protocol: 0, ...anyPort, counter: 1, place: 8 }),
]

let kernel: FakeKernel | undefined
let session: NativeMarksSession | undefined
afterEach(async () => {
  await session?.close()
  kernel?.stop()
})

function play(script: (requests: readonly Request[]) => readonly Buffer[]): NativeMarksSession {
  kernel = playKernel(script, 1)
  session = new binding.MarksSession({ table: 'ipvs', sockets: kernel.sockets })
  return session
}

/** What we send to a kernel that has no table yet. */
async function transaction(): Promise<Request[]> {
  let sent: Request[] = []
  let now = 1
  const marks = play((requests) => {
    if (requests[0]?.type === BATCH_BEGIN) {
      sent = [...requests]
      now++
      return requests.filter((request) => request.acknowledged).map((request) => answer(request))
    }
    return requests.flatMap((request) => {
      if (request.type === GETGEN) return [generation(request, now), answer(request)]
      return [request.dump ? doneDump(request) : answer(request, 2)]
    })
  })
  const block = new RowWriter<ElementRow>(binding.schema, 'element').block()
  for (const element of elements) block.append(element)
  const reply = await marks.apply(call, 1, block.toBuffer(), 0)
  expect(reply.failures).toEqual([])
  return sent
}

type Tree = Record<string, unknown>[]

// Numbers that only one transaction knows, and what nft notes for itself in user data.
const ignored: Readonly<Record<number, readonly number[]>> = {
  [NEWTABLE as number]: [2], // flags, 0 when absent
  [NEWSET as number]: [10, 13], // id, user data
  [NEWSETELEM as number]: [4], // id of the set
}

/** Attributes as a tree, sorted by number: the order does not matter to the kernel. Both sides mark what is nested. */
function tree(bytes: Buffer, drop: readonly number[] = []): Tree {
  const found: Tree = []
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at)
    const type = bytes.readUInt16LE(at + 2)
    const payload = bytes.subarray(at + 4, at + length)
    const number = type & 0x3fff
    if (!drop.includes(number)) found.push({ number, value: type & 0x8000 ? tree(payload) : payload.toString('hex') })
    at += (length + 3) & ~3
  }
  return found.toSorted((a, b) => (a['number'] as number) - (b['number'] as number))
}

// Attributes of expressions that nft writes and that change nothing: the id of a set that has a name, an operation (0, the
// default) that it names for some.
const optional: Readonly<Record<string, readonly number[]>> = { lookup: [4], bitwis: [6] }

const text = (name: string): string => Buffer.from(`${name}\0`).toString('hex')

/** Takes away what differs for a reason. */
function comparable(message: Tree, type: number): unknown {
  const simplify = (nodes: Tree): Tree =>
    nodes
      // nft swaps the bytes of the protocol before it looks an interval up: one byte, so nothing happens.
      .filter(({ value }) => !(Array.isArray(value) && (value as Tree)[0]?.['value'] === text('byteorder')))
      .map(({ number, value }) => ({ number, value: Array.isArray(value) ? simplify(value as Tree) : value }))
  const strip = (nodes: Tree, drop: readonly number[]): Tree =>
    nodes.filter(({ number }) => !drop.includes(number as number))
  return simplify(message).map((attribute) => {
    if (!Array.isArray(attribute['value'])) return attribute
    const children = attribute['value'] as Tree
    if (type === NEWSETELEM) {
      // Elements: nft numbers them, the kernel does not look. User data: the comment is both's, the rest is ours.
      const elementsOnly = children.map(({ value }) => ({ number: 1, value: strip(value as Tree, [6]) }))
      return { ...attribute, value: elementsOnly }
    }
    if (type !== NEWRULE) return attribute
    const expressions = children.map((expression) => {
      const [name, data] = expression['value'] as Tree
      const drop = optional[Buffer.from((name?.['value'] ?? '') as string, 'hex').toString('latin1', 0, 6)] ?? []
      const known = Array.isArray(data?.['value']) ? strip(data['value'] as Tree, drop) : data?.['value']
      return { ...expression, value: [name, { ...data, value: known }] }
    })
    return { ...attribute, value: expressions }
  })
}

describe('what nft sends, we send', () => {
  const names = goldenNames('nft').filter((name) => name.includes('/send-'))
  test.each(names)('%s', async (name) => {
    const theirs = golden(name)
    const type = theirs.message.readUInt16LE(4)
    const drop = ignored[type] ?? []
    const ours = (await transaction()).filter((request) => request.type === type)
    const trees = ours.map((request) => comparable(tree(request.body.subarray(4), drop), type))
    expect(trees).toContainEqual(comparable(tree(Buffer.from(theirs.attributes), drop), type))
  })

  test('and nothing else', async () => {
    const sent = (await transaction()).map((request) => request.type)
    for (const type of [NEWTABLE, NEWCHAIN, NEWRULE, NEWSET, NEWSETELEM]) {
      const theirs = goldenNames('nft').filter(
        (name) => name.includes('/send-') && golden(name).message.readUInt16LE(4) === type,
      )
      expect(sent.filter((each) => each === type)).toHaveLength(theirs.length)
    }
  })

  test('the comment of an element is where nft looks for it', async () => {
    const sent = (await transaction()).filter((request) => request.type === NEWSETELEM)
    const comment = Buffer.from('\x00\x0call of them\0', 'latin1')
    expect(sent.filter((request) => request.body.includes(comment))).toHaveLength(1)
    expect(golden('nft/send-setelem-6').message.includes(comment)).toBe(true)
  })
})

test('what the kernel answers nft, we read', async () => {
  const replies = goldenNames('nft').filter((name) => name.includes('/list-'))
  const marks = play((requests) => {
    const [first] = requests
    if (first === undefined) return []
    if (first.type === GETGEN) return [generation(first, 2), answer(first)]
    if (first.type === GETRULE) {
      const rules = replies.filter((each) => each.startsWith('nft/list-rule-'))
      return [...rules.map((each) => withSequence(golden(each).message, first)), doneDump(first)]
    }
    if (first.type !== GETSETELEM) throw new Error(`asked for ${first.type}`)
    const name = replies.find((each) => first.body.includes(`${each.slice('nft/list-'.length)}\0`))
    if (name === undefined) return [answer(first, 2)] // no such map
    return [withSequence(golden(name).message, first), doneDump(first)]
  })
  const { rows, failures, generation: seen } = await marks.list(call)
  expect(failures).toEqual([])
  expect(seen).toBe(2)
  const listed = new RowReader<ElementRow>(binding.schema, 'element').rows(rows ?? new ArrayBuffer(0))
  const names = Object.keys(elements[0] as ElementRow) as (keyof ElementRow)[]
  const fields = Array.from({ length: listed.length }, (_, index) => {
    const listedRow = listed.at(index)
    return { ...Object.fromEntries(names.map((name) => [name, listedRow[name]])), handle: 0n } // the kernel's
  })
  expect(fields).toHaveLength(elements.length)
  expect(fields).toEqual(expect.arrayContaining([...elements]))
})
