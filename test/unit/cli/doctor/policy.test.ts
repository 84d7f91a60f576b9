// `ipvs doctor`: IPVS itself does not balance what it gets.
import type { ListedSyncDaemon } from 'ipvs'
import { expect, test } from 'vitest'
import { destination, found, rule, service } from './given.ts'

const given = { services: [service(7, destination())], marks: [rule] }
const daemons = (...roles: ListedSyncDaemon['role'][]) => roles.map((role) => ({ role }) as ListedSyncDaemon)

test('backup_only on a host with a master daemon', () => {
  const sysctls = { 'net.ipv4.vs.backup_only': '1' }
  expect(found({ ...given, sysctls, daemons: daemons('master', 'backup') })).toEqual([
    'bad: sysctl -w net.ipv4.vs.backup_only=0',
  ])
  expect(found({ ...given, sysctls, daemons: daemons('backup') })).toEqual(['good: ', 'good: '])
  expect(found({ ...given, sysctls, daemons: daemons('master') })).toEqual(['good: '])
  expect(found({ ...given, daemons: daemons('master', 'backup') })).toEqual(['good: '])
})

test('drop_packet 3 drops packets always', () => {
  const fix = 'risk: sysctl -w net.ipv4.vs.drop_packet=0'
  expect(found({ ...given, sysctls: { 'net.ipv4.vs.drop_packet': '3' } })).toEqual([fix])
  for (const automatic of ['0', '1', '2']) {
    expect(found({ ...given, sysctls: { 'net.ipv4.vs.drop_packet': automatic } })).toEqual(['good: '])
  }
})
