// Values that no public method may take for something else, crash on, or answer with an error that is not ours.

class Getters {
  get timeoutSeconds(): number {
    return 10
  }
  get weight(): number {
    return 3
  }
}

class Instance {
  port = 80
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

function refuse(): never {
  throw new TypeError('no')
}

/** By name, each new: some of them change when they are looked at. */
export const hostileValues: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  NaN: () => NaN,
  Infinity: () => Infinity,
  '-Infinity': () => -Infinity,
  '-0': () => -0,
  '-1': () => -1,
  '1.5': () => 1.5,
  '2 ** 53': () => 2 ** 53,
  '80 as a bigint': () => 80n,
  '80 as text': () => '80',
  'the empty text': () => '',
  'white space': () => ' ',
  'text with NUL': () => 'eth0\0',
  'text that drives a terminal': () => '\u001B[2J\u009B',
  'a lone surrogate': () => '\uD800',
  'huge text': () => 'x'.repeat(1_000_000),
  true: () => true,
  'a boxed number': () => Object(80),
  'a boxed text': () => Object('tcp'),
  'a boxed boolean': () => Object(true),
  'a date': () => new Date(80),
  'a map': () => new Map([['port', 80]]),
  'a set': () => new Set([80]),
  'a regular expression': () => /80/,
  'an error': () => new Error('80'),
  'a promise': () => Promise.resolve({}),
  'an URL': () => new URL('http://172.16.0.100'),
  bytes: () => new Uint8Array(4),
  'an instance': () => new Instance(),
  'getters of a class': () => new Getters(),
  'an inherited value': () => Object.create({ timeoutSeconds: 10, weight: 3 }) as unknown,
  'an object': () => ({ anything: 80 }),
  'an array': () => [80],
  'an array of arrays': () => [[80]],
  'a sparse array': () => Object.assign([], { length: 3 }),
  'a revoked proxy': () => revoked({}),
  'a revoked proxy of an array': () => revoked([]),
  'an array with a revoked proxy': () => [revoked({})],
  'a throwing proxy': () => new Proxy({}, { getPrototypeOf: refuse, ownKeys: refuse, get: refuse, has: refuse }),
  'a proxy that throws for properties': () => new Proxy({ port: 1 }, { get: refuse }),
  'a throwing getter': () => Object.defineProperty({}, 'port', { get: refuse, enumerable: true }),
  'conversions that throw': () => ({ valueOf: refuse, toString: refuse, [Symbol.toPrimitive]: refuse }),
  'a symbol': () => Symbol('80'),
  'a function': () => () => 80,
}
