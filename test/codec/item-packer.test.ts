// Items that native code takes many at a time, against the same items looked at one by one: the same rows, or left alone.
import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import { BatchBlock } from '../../lib/batch/block.ts'
import { Getters, instance, lookedAt, most, packed, plain, server, vip } from './items.ts'
import { Recorder, serviceSize } from './recorder.ts'

describe('plain items', () => {
  test.each(Object.entries(plain))('%s', (_, item) => {
    expect(packed([item])).toEqual([lookedAt(item)])
  })

  test('all at once, with objects that they share', () => {
    const shared = { ...vip }
    const more = [
      { operation: 'addService', service: shared },
      { operation: 'addDestination', service: shared, destination: server },
      { operation: 'removeDestination', service: shared, destination: server },
      { operation: 'updateDestination', service: shared, destination: server, patch: { weight: 2 } },
    ]
    const items = [...Object.values(plain), ...more]
    const wanted = items.map(lookedAt)
    expect(packed(items)).toEqual(wanted)
    expect(packed(Object.values(Object.fromEntries(items.entries())))).toEqual(wanted) // V8 keeps this array as if it had holes
  })

  test('the items of one service share its row', () => {
    const block = new BatchBlock<unknown>(new Recorder(), most)
    const item = { operation: 'addDestination', service: vip, destination: server }
    expect(block.pack([item, { ...item, service: { ...vip } }, { ...item }], 0)).toBe(0)
    let rows = 0
    const channel = new Recorder()
    channel.session.execute = async (_, __, services) => {
      rows = services.length / serviceSize
      return { failures: [] }
    }
    void block.send(channel, channel.batchCall())
    expect(rows).toBe(1)
  })
})

const itself: Record<string, unknown> = { operation: 'addService' }
itself['service'] = itself

const unusual: Readonly<Record<string, unknown>> = {
  'a persistence engine': {
    operation: 'addService',
    service: { ...vip, protocol: 'udp', persistence: {}, persistenceEngine: 'sip' },
  },
  'flags of a scheduler': {
    operation: 'addService',
    service: { ...vip, scheduler: 'sh', schedulerFlags: ['sh-port'] },
  },
  'a mark as text': { operation: 'addService', service: { fwmark: '0x7' } },
  'a patch of a service': { operation: 'updateService', service: vip, patch: { scheduler: 'rr' } },
  flush: { operation: 'flush' },
  zeroCounters: { operation: 'zeroCounters' },
  'a gue tunnel': {
    operation: 'addDestination',
    service: vip,
    destination: { address: '10.0.0.8', forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080 } },
  },
  'a forwarding that others make': {
    operation: 'addDestination',
    service: vip,
    destination: { address: '10.0.0.8', forwarding: 'local' },
  },
  'a limit that few kernels take': {
    operation: 'addDestination',
    service: vip,
    destination: { address: '10.0.0.8', upperThreshold: 0xffffffff },
  },
  'an item that is none': 7,
  'an item in itself': itself,
}

const arrayTwice = ['fwmark', 7]

/** Objects of which V8 writes less than there is, or in a way of its own: nothing beside them is packed either. */
const foreign: Readonly<Record<string, unknown>> = {
  'an item of a class': instance({ operation: 'addService', service: { fwmark: 7 } }),
  'a service of a class': { operation: 'addService', service: instance({ fwmark: 7 }) },
  'getters of a class': { operation: 'addService', service: { fwmark: 7, persistence: new Getters() } },
  'inherited values': {
    operation: 'addService',
    service: Object.create({ scheduler: 'rr' }, { fwmark: { value: 7, enumerable: true } }) as object,
  },
  'a boxed number': { operation: 'addService', service: { fwmark: 7, persistence: Object(80) as object } },
  'a date': { operation: 'addService', service: { fwmark: 7, persistence: new Date() } },
  'a destination of a class': { operation: 'addDestination', service: vip, destination: instance(server) },
  'a patch of a class': { operation: 'updateDestination', service: vip, destination: server, patch: new Getters() },
  'a service that is an array': { operation: 'removeDestination', service: arrayTwice, destination: arrayTwice },
  'a map': { operation: 'addService', service: new Map() },
}

describe('what is no plain object is refused', () => {
  test.each(Object.entries(foreign))('%s', (_, item) => {
    const first = plain['a mark']
    expect(packed([item])).toEqual([undefined])
    expect(packed([first, item, first])).toEqual([undefined, undefined, undefined])
    expect(lookedAt(item)).toMatch(/is not an? (plain )?object with the properties/)
  })

  test('objects of another realm, and those without a prototype, are plain', () => {
    const service = runInNewContext('({ fwmark: 7, persistence: {} })') as object
    const bare = Object.assign(Object.create(null) as object, { fwmark: 7, persistence: {} })
    const wanted = lookedAt({ operation: 'addService', service: { fwmark: 7, persistence: {} } })
    for (const each of [service, bare]) {
      expect(lookedAt({ operation: 'addService', service: each })).toBe(wanted)
      expect(packed([{ operation: 'addService', service: each }])).toEqual([wanted])
    }
  })
})

describe('unusual items are left alone, and those between them are not', () => {
  test.each(Object.entries(unusual))('%s', (_, item) => {
    expect(packed([item])).toEqual([undefined])
    const first = plain['a mark']
    const last = plain['a destination']
    expect(packed([first, item, last])).toEqual([lookedAt(first), undefined, lookedAt(last)])
  })

  test('a hole', () => {
    const item = plain['a mark']
    const items = [item, item]
    items[3] = { ...item }
    expect(packed(items)).toEqual([lookedAt(item), undefined, undefined, lookedAt(item)]) // the second is the first again
  })

  test('what cannot be serialized', () => {
    const item = plain['a mark']
    expect(packed([item, { operation: 'addService', service: () => {} }])).toEqual([undefined, undefined])
  })
})
