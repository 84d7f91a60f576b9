import { expect, test } from 'vitest'

import { listedTimeouts, timeoutsRow } from '../../../lib/services/timeouts.ts'
import { refused } from '../support/refused.ts'

test('sends the named timeouts only', () => {
  expect(timeoutsRow({ tcpSeconds: 1 })).toEqual({ tcp: 1 })
  expect(timeoutsRow({ tcpFinSeconds: 21474836, udpSeconds: undefined })).toEqual({ tcpFin: 21474836 })
  expect(timeoutsRow({ tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 })).toEqual({
    tcp: 900,
    tcpFin: 120,
    udp: 300,
  })
})

test('listed timeouts can be set', () => {
  const row = { tcp: 900, tcpFin: 120, udp: 300 }
  expect(timeoutsRow(listedTimeouts(row))).toEqual(row)
})

test.each<[string, unknown, string]>([
  ['timeouts', undefined, 'is not an object'],
  ['timeouts', 900, 'is not an object'],
  ['timeouts', {}, 'name at least one of tcpSeconds, tcpFinSeconds, udpSeconds'],
  ['timeouts', { tcpSeconds: undefined }, 'at least one'],
  ['timeouts.tcp', { tcp: 900 }, 'did you mean "tcpSeconds"?'],
  ['timeouts.tcpSeconds', { tcpSeconds: 0 }, 'to the kernel, 0 means "keep the current value"'],
  ['timeouts.tcpFinSeconds', { tcpFinSeconds: 21474837 }, 'from 1 to 21474836'],
  ['timeouts.udpSeconds', { udpSeconds: -1 }, 'from 1 to 21474836'],
  ['timeouts.udpSeconds', { udpSeconds: 0.5 }, 'from 1 to 21474836'],
  ['timeouts.udpSeconds', { udpSeconds: '300' }, 'from 1 to 21474836'],
  ['timeouts.udpSeconds', { udpSeconds: null }, 'from 1 to 21474836'],
])('refuses %s: %j', (field, value, problem) => {
  const refusal = refused(() => timeoutsRow(value))
  expect(refusal.field).toBe(field)
  expect(refusal.message).toContain(problem)
})
