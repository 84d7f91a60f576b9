// Each field: a good value and what the model has, a bad value and its error.
import { describe, expect, test } from 'vitest'
import { rows as siteRows } from './support/field-rows.ts'
import { serverRows } from './support/server-field-rows.ts'
import { errorOf, modelAt, siteWith } from './support/build.ts'

const rows = [...siteRows, ...serverRows]
const s = 'services.s'
const m = 'services[0]'

describe('good values', () => {
  test.each(rows)('%s: %j', (field, good, model, value) => {
    expect(errorOf(siteWith([field, good]))).toBe('')
    expect(modelAt(siteWith([field, good]), model)).toEqual(value)
  })
})

describe('bad values', () => {
  test.each(rows)('%s', (field, _good, _model, _value, bad, error) => {
    expect(errorOf(siteWith([field, bad]))).toBe(error)
  })
})

const portRows: readonly (readonly [unknown, unknown])[] = [
  [443, [{ from: 443, to: 443 }]],
  ['443', [{ from: 443, to: 443 }]],
  ['10000-20000', [{ from: 10_000, to: 20_000 }]],
  ['10000:20000', [{ from: 10_000, to: 20_000 }]],
  [
    [21, '10000-20000'],
    [
      { from: 21, to: 21 },
      { from: 10_000, to: 20_000 },
    ],
  ],
  ['all', 'all'],
]

test.each(portRows)('ports: %j', (ports, value) => {
  const text = siteWith(
    [`${s}.virtual.port`, undefined],
    [`${s}.virtual.ports`, ports],
    [`${s}.checks`, [{ tcp: { port: 1 } }]],
  )
  expect(modelAt(text, `${m}.virtuals[0].ports`)).toEqual(value)
})

test.each([
  [[], 'services.s.virtual.ports: is an empty list; give it an element'],
  ['20000-10000', 'services.s.virtual.ports: 20000-10000 is reversed; write 10000-20000'],
  ['http', 'services.s.virtual.ports: "http" is no port and no range; write it such as 65533-65535'],
  [[80, 80], 'services.s.virtual.ports: port 80 is listed twice: 80 and 80'],
  ['0-10', 'services.s.virtual.ports: 0-10 is outside of 1 to 65535'],
])('bad ports: %j', (ports, error) => {
  const text = siteWith(
    [`${s}.virtual.port`, undefined],
    [`${s}.virtual.ports`, ports],
    [`${s}.checks`, [{ tcp: { port: 1 } }]],
  )
  expect(errorOf(text)).toBe(error)
})

test.each([
  ['5s', 5000],
  ['200ms', 200],
  ['10m', 600_000],
  ['1h30m', 5_400_000],
  ['1d2h3m4s5ms', 93_784_005],
])('duration %s', (duration, ms) => {
  expect(modelAt(siteWith([`${s}.drain.wait`, duration]), `${m}.drain.waitMs`)).toBe(ms)
})

test.each(['5', '5 s', 's', '', '1m1h', '-5s', '1.5s', '5S', '5s5s', '1e3s', '25d', '99999999999999999999h'])(
  'no duration: %s',
  (duration) => {
    expect(errorOf(siteWith([`${s}.drain.wait`, duration]))).toMatch(/^services\.s\.drain\.wait: .+; (?:write|choose)/)
  },
)

describe('by mark or by address', () => {
  const virtual = (value: unknown, ...more: (readonly [string, unknown])[]): string =>
    siteWith([`${s}.virtual`, value], [`${s}.checks`, [{ tcp: { port: 1 } }]], ...more)
  const one = { address: '172.16.0.1', protocol: 'tcp' }
  test.each([
    ['a port', virtual({ ...one, port: 80 }), 'address'],
    ['a list of one', virtual([{ ...one, port: 80 }]), 'address'],
    ['a named mark', virtual({ ...one, port: 80 }, [`${s}.mark`, 7]), 'mark'],
    ['two ports', virtual({ ...one, ports: [80, 443] }), 'mark'],
    ['a range', virtual({ ...one, ports: '80-90' }), 'mark'],
    ['all ports: the kernel has them with persistence only', virtual({ ...one, ports: 'all' }), 'mark'],
    ['all ports with persistence', virtual({ ...one, ports: 'all' }, [`${s}.persistence`, {}]), 'address'],
    ['a block', virtual({ ...one, address: '172.16.0.0/24', port: 80 }), 'mark'],
    [
      'two addresses',
      virtual([
        { ...one, port: 80 },
        { ...one, address: '172.16.0.2', port: 80 },
      ]),
      'mark',
    ],
  ])('%s', (_, text, by) => {
    expect(modelAt(text, `${m}.by`)).toBe(by)
  })
})

test('onFailure: remove with persistence, drain without', () => {
  expect(modelAt(siteWith(), `${m}.onFailure`)).toBe('drain')
  expect(modelAt(siteWith([`${s}.persistence`, {}]), `${m}.onFailure`)).toBe('remove')
})

test('the brake is on by default when there is a control target', () => {
  expect(modelAt(siteWith(), 'brake')).toBeUndefined()
  const control = ['control', { ping: { address: '10.0.0.254' } }] as const
  expect(modelAt(siteWith(control), 'brake')).toEqual({ maximumLoss: 0.5, perMs: 60_000 })
  expect(modelAt(siteWith(control, ['brake', false]), 'brake')).toBeUndefined()
})

test('addresses have the spelling of the kernel', () => {
  const text = siteWith(
    [`${s}.virtual.address`, '2001:DB8:0::1'],
    [`${s}.servers[0].address`, '2001:DB8:0::2'],
    [`${s}.servers[1].address`, '2001:db8::0003'],
  )
  expect(modelAt(text, `${m}.virtuals[0]`)).toMatchObject({ address: '2001:db8::1', family: 'ipv6' })
  expect(modelAt(text, `${m}.servers[1]`)).toMatchObject({ address: '2001:db8::3', family: 'ipv6' })
})
