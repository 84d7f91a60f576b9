// Encoding of values between a test and the lab: JSON with extensions. Used on both sides.
//
//   123n                 {"$bigint":"123"}
//   Uint8Array           {"$bytes":"base64"}
//   Error                {"$error":{...}}, see encodeError
//   NaN, Infinity, -0    {"$number":"NaN"}
//   undefined            {"$undefined":true}; omitted as a property, like in JSON
//
// Rows with getters arrive as plain objects with the values. Functions, symbols, Map and Set are refused: as {} they would make
// a comparison in a test meaningless.

/** Encodes a value into a line of JSON without the line feed. */
export function toWire(value: unknown): string {
  return JSON.stringify(encode(value, '', new Set()))
}

/** The reverse of `toWire`. */
export function fromWire(line: string): unknown {
  return decode(JSON.parse(line))
}

/** An error from the other side: same name, message and fields, but another class. */
export class LabError extends Error {
  /** The stack on the other side. */
  declare readonly remoteStack: string
}

type Ancestors = Set<object>

function encode(value: unknown, place: string, ancestors: Ancestors): unknown {
  switch (typeof value) {
    case 'bigint':
      return { $bigint: value.toString() }
    case 'undefined':
      return { $undefined: true }
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? '-0' : `${value}` }
    case 'function':
    case 'symbol':
      throw new TypeError(`a ${typeof value} cannot be passed on${at(place)}`)
    case 'object':
      return value === null ? null : encodeObject(value, place, ancestors)
    default:
      return value
  }
}

function encodeObject(value: object, place: string, ancestors: Ancestors): unknown {
  if (ancestors.has(value)) throw new TypeError(`a cycle cannot be passed on${at(place)}`)
  if (value instanceof Map || value instanceof Set)
    throw new TypeError(`a ${value.constructor.name} cannot be passed on${at(place)}`)
  const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value
  if (bytes instanceof Uint8Array) {
    return { $bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') }
  }
  if (ArrayBuffer.isView(value))
    throw new TypeError(`a ${value.constructor.name} cannot be passed on${at(place)}; use an array`)
  const inside = new Set([...ancestors, value])
  if (Array.isArray(value)) return value.map((item, index) => encode(item, `${place}[${index}]`, inside))
  if (value instanceof Error) return { $error: encodeError(value, place, inside) }
  if ('toJSON' in value && typeof value.toJSON === 'function') return encode(value.toJSON(), place, inside)
  return encodeProperties(value, propertyNames(value), place, inside)
}

function encodeProperties(
  value: object,
  names: Iterable<string>,
  place: string,
  inside: Ancestors,
): Record<string, unknown> {
  const encoded: Record<string, unknown> = {}
  for (const name of names) {
    const property: unknown = Reflect.get(value, name)
    const isMethod = typeof property === 'function' && !Object.hasOwn(value, name)
    if (property !== undefined && !isMethod) encoded[name] = encode(property, `${place}.${name}`, inside)
  }
  return encoded
}

/** Own properties, and getters of the class. */
function propertyNames(value: object): Set<string> {
  const names = new Set(Object.keys(value))
  let prototype: unknown = Object.getPrototypeOf(value)
  while (typeof prototype === 'object' && prototype !== null && prototype !== Object.prototype) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (descriptor.get !== undefined) names.add(name)
    }
    prototype = Object.getPrototypeOf(prototype)
  }
  return names
}

/** Fields of errors that are sent even if they are not enumerable. */
const errorFields = [
  'name',
  'message',
  'stack',
  'code',
  'errno',
  'syscall',
  'operation',
  'target',
  'attribute',
  'kernelMessage',
]

function encodeError(error: Error, place: string, inside: Ancestors): Record<string, unknown> {
  const names = new Set([...errorFields, 'cause', 'errors', ...propertyNames(error)])
  const encoded: Record<string, unknown> = {}
  for (const name of names) {
    try {
      Object.assign(encoded, encodeProperties(error, [name], place, inside))
    } catch (reason) {
      // A field that cannot be encoded must not hide the error.
      encoded[name] = `(${String(reason)})`
    }
  }
  return encoded
}

function at(place: string): string {
  return place === '' ? '' : ` (at ${place.replace(/^\./, '')})`
}

function decode(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decode)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const [first] = entries
  if (first !== undefined && entries.length === 1) {
    const [key, content] = first as [string, unknown]
    if (key === '$bigint') return BigInt(String(content))
    if (key === '$number') return Number(content)
    if (key === '$undefined') return undefined
    if (key === '$bytes') return new Uint8Array(Buffer.from(String(content), 'base64'))
    if (key === '$error') return decodeError(content as Record<string, unknown>)
  }
  return Object.fromEntries(entries.map(([key, content]) => [key, decode(content)]))
}

function decodeError(fields: Record<string, unknown>): LabError {
  const { name, message, stack, ...rest } = decode(fields) as Record<string, unknown>
  const error = new LabError(String(message))
  const hidden = (key: string, value: unknown): void => {
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false })
  }
  hidden('name', String(name))
  hidden('remoteStack', String(stack))
  Object.assign(error, rest)
  return error
}
