import { describe, expect, test } from 'vitest'

import type { DaemonRow } from '../../../lib/binding/record-types.ts'
import { listedSyncDaemon, newSyncDaemon, syncDaemonOf } from '../../../lib/services/sync-daemon.ts'
import { refused } from '../support/refused.ts'
import { present } from '../support/service-rows.ts'

const master = { role: 'master', interface: 'eth0' }
const rowOf = (daemon: unknown): DaemonRow => present(newSyncDaemon(daemon).row)

describe('rows', () => {
  test('absent settings are left to the kernel', () => {
    expect(rowOf(master)).toEqual({ state: 1, interface: 'eth0', syncId: 0 })
    expect(rowOf({ role: 'backup', interface: 'fifteen-letters', multicast: {} })).toEqual({
      state: 2,
      interface: 'fifteen-letters',
      syncId: 0,
    })
  })

  test('all settings', () => {
    const multicast = { group: '239.1.2.3', port: 65535, ttl: 255 }
    expect(rowOf({ ...master, syncId: 255, multicast, maxLength: 65535 })).toEqual({
      state: 1,
      interface: 'eth0',
      syncId: 255,
      group: Uint8Array.of(239, 1, 2, 3),
      port: 65535,
      ttl: 255,
      maxLength: 65535,
    })
    expect(rowOf({ ...master, multicast: { group: 'ff02::5' } })).toMatchObject({
      group6: Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5),
    })
  })

  test('a listed daemon can be started', () => {
    const rows: DaemonRow[] = [
      {
        state: 1,
        interface: 'eth0',
        syncId: 5,
        group: Uint8Array.of(224, 0, 0, 81),
        port: 8848,
        ttl: 1,
        maxLength: 1472,
      },
      {
        state: 2,
        interface: 'ünïcode',
        syncId: 0,
        group6: Uint8Array.from({ length: 16 }, () => 0xff),
        port: 1,
        ttl: 9,
        maxLength: 1,
      },
    ]
    for (const row of rows) expect(rowOf(listedSyncDaemon(row))).toEqual(row)
  })

  test('stopping needs the role alone', () => {
    expect(syncDaemonOf('master')).toEqual({ row: { state: 1 }, target: 'master' })
    expect(syncDaemonOf('backup')).toEqual({ row: { state: 2 }, target: 'backup' })
  })

  test('errors name the daemon', () => {
    expect(newSyncDaemon(master).target).toBe('master on eth0')
  })
})

describe('refuses', () => {
  test.each<[string, unknown, string]>([
    ['daemon', undefined, 'is not an object'],
    ['daemon', 'master', 'is not an object'],
    ['daemon.state', { ...master, state: 1 }, 'there is no such property'],
    ['daemon.syncid', { ...master, syncid: 1 }, 'did you mean "syncId"?'],
    ['daemon.role', { interface: 'eth0' }, 'undefined is not "master" or "backup"'],
    ['daemon.role', { ...master, role: 'Master' }, 'did you mean "master"?'],
    ['daemon.role', { ...master, role: 1 }, 'is not "master" or "backup"'],
    ['daemon.interface', { role: 'master' }, 'undefined is not the name'],
    ['daemon.interface', { ...master, interface: 7 }, '7 is not the name'],
    ['daemon.interface', { ...master, interface: '' }, 'empty'],
    ['daemon.interface', { ...master, interface: '.' }, 'no interface has that name'],
    ['daemon.interface', { ...master, interface: '..' }, 'no interface has that name'],
    ['daemon.interface', { ...master, interface: 'a/b' }, 'white space, "/" or NUL'],
    ['daemon.interface', { ...master, interface: 'eth 0' }, 'white space'],
    ['daemon.interface', { ...master, interface: 'eth0\n' }, 'white space'],
    ['daemon.interface', { ...master, interface: 'eth0\0' }, 'NUL'],
    ['daemon.interface', { ...master, interface: 'eth0:1' }, 'an alias'],
    ['daemon.interface', { ...master, interface: 'sixteen-letters!' }, 'longer than 15 bytes'],
    ['daemon.interface', { ...master, interface: 'üüüüüüüü' }, 'longer than 15 bytes'],
    ['daemon.syncId', { ...master, syncId: 256 }, 'from 0 to 255'],
    ['daemon.syncId', { ...master, syncId: -1 }, 'from 0 to 255'],
    ['daemon.syncId', { ...master, syncId: null }, 'from 0 to 255'],
    ['daemon.multicast', { ...master, multicast: '224.0.0.81' }, 'is not an object'],
    ['daemon.multicast.address', { ...master, multicast: { address: '224.0.0.81' } }, 'there is no such property'],
    ['daemon.multicast.group', { ...master, multicast: { group: '10.0.0.1' } }, 'not a multicast address'],
    ['daemon.multicast.group', { ...master, multicast: { group: '240.0.0.1' } }, '224.0.0.0 to 239.255.255.255'],
    ['daemon.multicast.group', { ...master, multicast: { group: 'fe80::1' } }, 'an IPv6 address from ff00::'],
    ['daemon.multicast.group', { ...master, multicast: { group: 'ff02::1%eth0' } }, 'zone'],
    ['daemon.multicast.port', { ...master, multicast: { port: 0 } }, 'from 1 to 65535'],
    ['daemon.multicast.port', { ...master, multicast: { port: 65536 } }, 'from 1 to 65535'],
    ['daemon.multicast.ttl', { ...master, multicast: { ttl: 0 } }, 'from 1 to 255'],
    ['daemon.multicast.ttl', { ...master, multicast: { ttl: 256 } }, 'from 1 to 255'],
    ['daemon.maxLength', { ...master, maxLength: 0 }, 'from 1 to 65535'],
    ['daemon.maxLength', { ...master, maxLength: 65536 }, 'from 1 to 65535'],
  ])('%s: %j', (field, value, problem) => {
    const refusal = refused(() => newSyncDaemon(value))
    expect(refusal.field).toBe(field)
    expect(refusal.message).toContain(problem)
  })

  test.each<unknown>([undefined, 'Master', 'both', { role: 'master' }])('role: %j', (role) => {
    expect(refused(() => syncDaemonOf(role)).field).toBe('role')
  })
})
