// Seeds of the fuzz targets, from the golden files of test/codec: real messages of the kernel.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const headers = 20 // nlmsghdr and the header of the family
const types = { done: 3, error: 2 }

/** Golden messages of a folder whose names begin with `prefix`. */
function goldens(root, family, prefix) {
  const folder = join(root, 'test/codec/golden', family)
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8')
      return { name, message: Buffer.from(text.replaceAll(/#.*$|\s/gm, ''), 'hex') }
    })
}

/** The payload of the first attribute of this type; empty if there is none. */
function attribute(attributes, type) {
  for (let at = 0; at + 4 <= attributes.length;) {
    const length = attributes.readUInt16LE(at)
    if ((attributes.readUInt16LE(at + 2) & 0x3fff) === type) return attributes.subarray(at + 4, at + length)
    at += (length + 3) & ~3
  }
  return Buffer.alloc(0)
}

function header(length, type, flags, sequence) {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32LE(length, 0)
  bytes.writeUInt16LE(type, 4)
  bytes.writeUInt16LE(flags, 6)
  bytes.writeUInt32LE(sequence, 8)
  return bytes
}

const done = Buffer.concat([header(20, types.done, 2, 0), Buffer.alloc(4)])

/** An acknowledgement of message `sequence` of the request; with an errno, a refusal. */
function acknowledgement(sequence, errno = 0) {
  const code = Buffer.alloc(4)
  code.writeInt32LE(-errno)
  return Buffer.concat([header(36, types.error, 0x100, sequence), code, header(16, 0, 0, sequence)])
}

/** A datagram of a script, see native/fuzz/scripted_kernel.h. */
function datagram(...messages) {
  const bytes = Buffer.concat(messages)
  const length = Buffer.alloc(2)
  length.writeUInt16LE(bytes.length)
  return Buffer.concat([length, bytes])
}

const byte = (value) => Buffer.from([value])
const maps = ['exact4', 'ranges4', 'hosts4', 'exact4_counted', 'ranges4_counted', 'hosts4_counted']
const allMaps = [...maps, ...maps.map((name) => name.replace('4', '6'))]
const records = ['list-service', 'list-destination']

// Per target: a function from `root` to a list of [name, bytes].
const makers = {
  messages: (root) => [
    ...goldens(root, 'ipvs', 'list-').map(({ name, message }) => [name, Buffer.concat([message, done])]),
    ['acknowledgement', acknowledgement(0, 2)],
  ],
  records: (root) =>
    records.flatMap((prefix, record) =>
      goldens(root, 'ipvs', prefix).map(({ name, message }) => [
        name,
        Buffer.concat([byte(record), attribute(message.subarray(headers), record + 1)]),
      ]),
    ),
  session: (root) => [
    ...goldens(root, 'ipvs', 'list-service').map(({ name, message }) => [
      name,
      Buffer.concat([byte(0x80), datagram(message), datagram(done), datagram(message), datagram(done)]),
    ]),
    ...goldens(root, 'ipvs', 'list-destination').map(({ name, message }) => [
      name,
      Buffer.concat([byte(1), datagram(message, done)]),
    ]),
    ['snapshot', snapshot(root)],
    ['write', Buffer.concat([byte(7), datagram(acknowledgement(0, 17), acknowledgement(5))])],
  ],
  marks: (root) => [
    ...goldens(root, 'nft', 'list-rule').map(({ name, message }) => [
      name,
      Buffer.concat([byte(2), datagram(generation()), datagram(message), datagram(done), datagram(generation())]),
    ]),
    ['open', Buffer.concat([byte(4), datagram(generation())])],
    ['apply', Buffer.concat([byte(5), datagram(generation(), acknowledgement(1, 2), acknowledgement(19, 2))])],
  ],
  family: () => [['lookup', datagram(lookup(), acknowledgement(0))]],
  elements: (root) =>
    allMaps.flatMap((map, number) =>
      goldens(root, 'nft', `list-${map}.`).map(({ name, message }) => [
        name,
        Buffer.concat([byte(number), attribute(message.subarray(headers), 3)]),
      ]),
    ),
  rules: (root) => goldens(root, 'nft', 'list-rule').map(({ name, message }) => [name, message.subarray(headers)]),
  rule_reader: (root) =>
    goldens(root, 'nft', 'list-rule').map(({ name, message }) => [
      name,
      Buffer.concat([byte(1), attribute(message.subarray(headers), 4)]),
    ]),
  user_data: (root) =>
    goldens(root, 'nft', 'list-rule').map(({ name, message }) => [name, attribute(message.subarray(headers), 7)]),
  legacy_target: () => [['mark', legacyMark()]],
  v8_value: () => [],
}

function snapshot(root) {
  const [service] = goldens(root, 'ipvs', 'list-service-tcp')
  const [destination] = goldens(root, 'ipvs', 'list-destination')
  return Buffer.concat([byte(6), datagram(service.message, done), datagram(destination.message, done)])
}

// nf_tables' NEWGEN (type 15) with generation 1, in network order.
function generation() {
  return Buffer.concat([header(28, 0x0a0f, 0, 0), Buffer.from([0, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 1])])
}

// The family is number 32.
function lookup() {
  return Buffer.concat([header(28, 16, 0, 0), Buffer.from([1, 1, 0, 0, 6, 0, 1, 0, 32, 0, 0, 0])])
}

// The target MARK of iptables, revision 2: mark 7, mask 255. Attributes: name, revision, data.
function legacyMark() {
  const name = [9, 0, 1, 0, 0x4d, 0x41, 0x52, 0x4b, 0, 0, 0, 0]
  const revision = [8, 0, 2, 0, 0, 0, 0, 2]
  const data = [12, 0, 3, 0, 7, 0, 0, 0, 255, 0, 0, 0]
  return Buffer.from([...name, ...revision, ...data])
}

/** Writes the seeds of `target` into `folder`, one file per seed. */
export function writeSeeds(root, target, folder) {
  mkdirSync(folder, { recursive: true })
  for (const [name, bytes] of makers[target]?.(root) ?? []) writeFileSync(join(folder, name), bytes)
}
