import { describe, expect, test } from 'vitest'

import type { ServiceRow } from '../../../lib/binding/record-types.ts'
import { refused } from '../support/refused.ts'
import { ALL_FLAGS, changed, host, needsCurrent, vip } from '../support/service-rows.ts'

describe('a patch', () => {
  const key = { fwmark: 7 }
  const identity = { family: 2, fwmark: 7 }
  const persistent: ServiceRow = {
    ...identity,
    scheduler: 'sh',
    flags: { value: 0x3, mask: ALL_FLAGS },
    timeout: 60,
    netmask: host,
  }
  const plain: ServiceRow = { ...persistent, scheduler: 'rr', flags: { value: 0x2, mask: ALL_FLAGS }, timeout: 0 }

  test.each<[object, ServiceRow]>([
    [{}, {}],
    [{ scheduler: 'rr' }, { scheduler: 'rr' }],
    [{ schedulerFlags: ['flag-2'] }, { flags: { value: 0x10, mask: 0x38 } }],
    [{ schedulerFlags: null }, { flags: { value: 0, mask: 0x38 } }],
    [{ schedulerFlags: [] }, { flags: { value: 0, mask: 0x38 } }],
    [{ onePacket: true }, { flags: { value: 4, mask: 4 } }],
    [{ onePacket: false }, { flags: { value: 0, mask: 4 } }],
    [{ persistence: { timeoutSeconds: 3600 } }, { flags: { value: 1, mask: 1 }, timeout: 3600 }],
    [
      { persistence: { timeoutSeconds: 60, netmask: 24 }, onePacket: false },
      { flags: { value: 1, mask: 5 }, timeout: 60, netmask: Uint8Array.of(255, 255, 255, 0) },
    ],
    [{ persistence: null }, { flags: { value: 0, mask: 1 }, timeout: 0, netmask: host, persistenceEngine: '' }],
    [{ persistenceEngine: null }, { persistenceEngine: '' }],
  ])('%j: the row has the changed fields only', (patch, row) => {
    expect(needsCurrent(key, patch)).toBe(false)
    expect(changed(key, patch)).toEqual({ ...identity, ...row })
  })

  test('scheduler flags without a scheduler: the scheduler of the service decides', () => {
    const patch = { schedulerFlags: ['sh-port'] }
    expect(needsCurrent(key, patch)).toBe(true)
    expect(changed(key, patch, persistent).flags).toEqual({ value: 0x10, mask: 0x38 })
    expect(refused(() => changed(key, patch, plain)).message).toContain('the scheduler is "rr"')
    expect(needsCurrent(key, { ...patch, scheduler: 'sh' })).toBe(false)
    expect(refused(() => changed(key, { ...patch, scheduler: 'rr' })).field).toBe('patch.schedulerFlags[0]')
  })

  test('persistence without a timeout has none in the row: native code keeps the timeout of the service', () => {
    const patch = { persistence: { netmask: 24 } }
    const netmask = Uint8Array.of(255, 255, 255, 0)
    expect(needsCurrent(key, patch)).toBe(false)
    for (const current of [undefined, persistent, plain])
      expect(changed(key, patch, current)).toEqual({ ...identity, flags: { value: 1, mask: 1 }, netmask })
  })

  test('a removed netmask becomes the netmask of a single client', () => {
    const patch = { persistence: { netmask: null } }
    expect(changed(key, patch, persistent)).toEqual({ ...identity, flags: { value: 1, mask: 1 }, netmask: host })
    const six = changed({ ...key, family: 'ipv6' }, { persistence: { timeoutSeconds: 60, netmask: null } })
    expect(six.netmask).toEqual(Uint8Array.of(128, 0, 0, 0))
  })

  test('removing persistence removes the persistence engine, unless the patch has one', () => {
    const patch = { persistenceEngine: 'sip' }
    expect(needsCurrent(key, patch)).toBe(false)
    expect(changed(key, patch, plain).persistenceEngine).toBe('sip')
    expect(changed(key, { persistence: null }).persistenceEngine).toBe('')
    expect(changed(key, { ...patch, persistence: null }).persistenceEngine).toBe('sip')
  })

  test.each<[string, object]>([
    ['patch.fwmark', { fwmark: 8 }],
    ['patch.family', { family: 'ipv6' }],
    ['patch.address', { address: '10.0.0.1' }],
    ['patch.scheduler', { scheduler: null }],
    ['patch.scheduler', { scheduler: 'RR' }],
    ['patch.onePacket', { onePacket: null }],
    ['patch.persistence.timeoutSeconds', { persistence: { timeoutSeconds: -1 } }],
    ['patch.persistence.timeoutSeconds', { persistence: { timeoutSeconds: null } }],
    ['patch.timeout', { timeout: 7 }],
    ['patch.weight', { weight: 7 }],
  ])('refuses %s', (field, patch) => expect(refused(() => changed(key, patch)).field).toBe(field))

  test('may repeat the key in any spelling', () => {
    expect(changed(key, { fwmark: '0x7', family: 'ipv4', scheduler: 'rr' })).toEqual({ ...identity, scheduler: 'rr' })
    expect(refused(() => changed(vip, { port: 81 })).field).toBe('patch.port')
  })
})
