import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import { InvalidInput, boolean, integer, isArray, list, oneOf, readFields, show } from '../../../lib/values/validate.ts'
import { refused } from '../support/refused.ts'

const names = ['scheduler', 'persistence', 'port', 'weight', 'fwmark'] as const
const read = (value: unknown, ignored: readonly string[] = []) => readFields(value, 'service', names, ignored)

describe('readFields', () => {
  test('reads the present properties', () => {
    expect({ ...read({ port: 80, scheduler: undefined }) }).toEqual({ port: 80 })
  })

  test.each([
    ['frozen', Object.freeze({ port: 80 })],
    ['sealed', Object.seal({ port: 80 })],
    ['without prototype', Object.assign(Object.create(null) as object, { port: 80 })],
    ['of another realm', runInNewContext('({ port: 80 })') as object],
  ])('objects: %s', (_name, value) => {
    expect(read(value).port).toBe(80)
  })

  test('inherited values do not count', () => {
    // oxlint-disable-next-line no-extend-native -- that is what must do no harm
    Object.defineProperty(Object.prototype, 'port', { value: 80, configurable: true, writable: true, enumerable: true })
    try {
      expect(read({}).port).toBeUndefined()
    } finally {
      Reflect.deleteProperty(Object.prototype, 'port')
    }
  })

  test('each property is read once, and ignored ones never', () => {
    const log: string[] = []
    const handler: ProxyHandler<object> = {
      get: (target, key) => {
        log.push(String(key))
        return Reflect.get(target, key) as unknown
      },
    }
    const value = { statistics: {}, weight: 1, port: 80, scheduler: 'rr' }
    read(new Proxy(value, handler), ['statistics'])
    expect(log.toSorted()).toEqual(['port', 'scheduler', 'weight'])
  })

  test.each([[null], [undefined], [7], ['port'], [true], [[]], [() => 7], [Symbol('s')], [1n]])(
    'not an object: %s',
    (value) => {
      const { field, message } = refused(() => read(value))
      expect(field).toBe('service')
      expect(message).toContain('is not an object with the properties')
    },
  )

  test.each([
    [Object(80)],
    [new Date()],
    [new Map()],
    [new URL('http://172.16.0.100')],
    [Object.create({ port: 80 })],
    [Object.create({ isPrototypeOf: () => true })],
    [Object.create(Object.create(null) as object)],
    [
      new (class Port {
        port = 80
      })(),
    ],
    [
      new (class Port {
        get port(): number {
          return 80
        }
      })(),
    ],
  ])('not a plain object: %s', (value) => {
    const { field, message } = refused(() => read(value))
    expect(field).toBe('service')
    expect(message).toContain('is not a plain object with the properties scheduler, persistence, port, weight, fwmark')
  })

  test.each([
    [
      'a throwing getter',
      {
        get port(): number {
          throw new RangeError('no')
        },
      },
    ],
    [
      'a throwing proxy',
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('no')
          },
        },
      ),
    ],
  ])('%s', (_name, value) => {
    const error = refused(() => read(value))
    expect(error.field).toBe('service')
  })

  test('the error of a getter is the cause', () => {
    const thrown = new RangeError('no')
    const value = {
      get port(): number {
        throw thrown
      },
    }
    expect(() => read(value)).toThrowError(expect.objectContaining({ cause: thrown }) as Error)
  })

  test.each([
    ['sched', 'scheduler'],
    ['Scheduler', 'scheduler'],
    ['persistance', 'persistence'],
    ['weigth', 'weight'],
    ['mark', 'fwmark'],
    ['prot', 'port'],
  ])('unknown %s: did you mean %s?', (key, meant) => {
    const { field, message } = refused(() => read({ [key]: 1 }))
    expect(field).toBe(`service.${key}`)
    expect(message).toContain(`did you mean "${meant}"?`)
  })

  test.each(['__proto__', 'constructor', 'toString', 'xyzzy', '', '\u001b[31mred', 'a'.repeat(1000)])(
    'unknown %j',
    (key) => {
      const { message } = refused(() => read(JSON.parse(`{ ${JSON.stringify(key)}: 1 }`)))
      expect(message).toContain('accepted: scheduler, persistence, port, weight, fwmark')
      expect(message).not.toContain('\u001b')
      expect(message).not.toContain('did you mean')
      expect(message.length).toBeLessThan(300)
    },
  )
})

test('revoked proxies are refused without an exception of their own', () => {
  expect(show(revoked())).toBe('an object that cannot be read')
  expect(refused(() => read(revoked())).field).toBe('service')
  expect(refused(() => list(revoked(), 'x', 2)).field).toBe('x')
  expect(refused(() => integer(revoked(), 'x', 0, 2)).message).toContain('an object that cannot be read')
})

test('isArray', () => {
  expect([[], [1], 'ab', { length: 0 }, null, revoked()].map((value) => isArray(value))).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ])
})

test('a path is put before the path of a part, and the cause stays', () => {
  const cause = new Error('no')
  const error = new InvalidInput('.port', 'is odd', { cause }).within('service')
  expect([error.field, error.message, error.cause]).toEqual(['service.port', 'service.port: is odd', cause])
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

describe('integer', () => {
  test.each([0, 1, 65535])('%s', (value) => expect(integer(value, 'port', 0, 65535)).toBe(value))

  test.each([
    [-1],
    [65536],
    [1.5],
    [NaN],
    [Infinity],
    [-Infinity],
    [2 ** 32],
    [2 ** 32 + 80],
    [2 ** 53],
    [1e300],
    ['80'],
    ['80 '],
    ['+80'],
    ['0x50'],
    ['8e1'],
    ['http'],
    [true],
    [80n],
    [[80]],
    [-0],
    [null],
    [undefined],
    [{ valueOf: () => 80 }],
    [Object(80)],
    [Symbol('80')],
    [new Date(80)],
  ])('refuses %s', (value) => {
    const { field, message } = refused(() => integer(value, 'port', 0, 65535))
    expect(field).toBe('port')
    expect(message).toContain('is not an integer from 0 to 65535')
  })
})

test('boolean', () => {
  expect(boolean(false, 'x')).toBe(false)
  for (const value of [0, 1, '', 'true', null, undefined, Object(true)]) refused(() => boolean(value, 'x'))
})

describe('oneOf', () => {
  const protocols = ['tcp', 'udp', 'sctp'] as const
  test('accepts exact names', () => expect(oneOf('udp', 'protocol', protocols)).toBe('udp'))

  test.each([
    ['icmp'],
    ['TCP '],
    ['TCP'],
    [47],
    [65535],
    [0],
    ['__proto__'],
    ['constructor'],
    [''],
    [null],
    [['tcp']],
    [{ toString: () => 'tcp' }],
  ])('refuses %s', (value) => {
    expect(refused(() => oneOf(value, 'protocol', protocols)).message).toContain('"tcp", "udp" or "sctp"')
  })

  test('suggests', () => {
    expect(refused(() => oneOf('TCP ', 'protocol', protocols)).message).toContain('did you mean "tcp"?')
  })
})

describe('list', () => {
  test('copies the array', () => {
    const value = ['a', 'b']
    expect(list(value, 'x', 2)).toEqual(value)
    expect(list(value, 'x', 2)).not.toBe(value)
  })

  test('holes are undefined', () =>
    expect(list(Object.assign([], { length: 2 }), 'x', 2)).toEqual([undefined, undefined]))

  test.each([[{ length: 1 }], ['ab'], [null], [new Set(['a'])], [Object.assign([], { length: 2 ** 32 - 1 })]])(
    'refuses %#',
    (value) => {
      expect(refused(() => list(value, 'x', 2)).field).toBe('x')
    },
  )

  test('says what is wrong', () => {
    expect(refused(() => list('ab', 'x', 2)).message).toBe('x: "ab" is not an array')
    expect(refused(() => list([1, 2, 3], 'x', 2)).message).toBe('x: 3 elements are too many (at most 2)')
  })

  test('the error of an element is the cause', () => {
    const thrown = new RangeError('no')
    const value = Object.defineProperty([], '0', {
      get: () => {
        throw thrown
      },
    })
    expect(() => list(value, 'x', 2)).toThrowError(expect.objectContaining({ field: 'x', cause: thrown }) as Error)
  })
})
