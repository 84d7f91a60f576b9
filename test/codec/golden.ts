// Golden files: one netlink message each, as annotated hex. What follows a `#` is for people.
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('golden/', import.meta.url))
const headerSize = 20 // nlmsghdr and genlmsghdr

export interface Golden {
  readonly text: string
  readonly message: Buffer
  readonly command: number
  /** Behind the headers. */
  readonly attributes: Uint8Array
}

/** Names of the files captured from `ipvs` (ipvsadm and the kernel) or `nft`. */
export function goldenNames(family: 'ipvs' | 'nft'): string[] {
  return readdirSync(`${folder}${family}`).map((name) => `${family}/${name.slice(0, -'.txt'.length)}`)
}

export function golden(name: string): Golden {
  const text = readFileSync(`${folder}${name}.txt`, 'utf8')
  const message = Buffer.from(text.replaceAll(/#.*$|\s/gm, ''), 'hex')
  if (message.length !== message.readUInt32LE(0)) throw new Error(`${name}: the length is wrong`)
  return { text, message, command: message[16] as number, attributes: Uint8Array.from(message.subarray(headerSize)) }
}

/** The payload of a top-level attribute, e.g. 1: the service. */
export function nested(attributes: Uint8Array, wanted: number): Uint8Array {
  const view = new DataView(attributes.buffer, attributes.byteOffset, attributes.byteLength)
  for (let at = 0; at + 4 <= attributes.length;) {
    const length = view.getUint16(at, true)
    if ((view.getUint16(at + 2, true) & 0x3fff) === wanted) return attributes.slice(at + 4, at + length)
    at += (length + 3) & ~3
  }
  throw new Error(`no attribute ${wanted}`)
}
