import { describe, expect, test, vi } from 'vitest'

import { changedDestinationRow } from '../../../lib/services/destination-patch.ts'
import { parseDestinationKey, readDestination } from '../../../lib/services/destination.ts'
import type { DestinationRow } from '../../../lib/binding/record-types.ts'
import { parseServiceKey } from '../../../lib/services/service.ts'
import { refused } from '../support/refused.ts'
import { ipv4, present } from '../support/service-rows.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

const web = parseServiceKey({ protocol: 'tcp', address: '172.16.0.100', port: 80 })
const server = { address: '10.0.0.7' }
const key = { family: 2, address: ipv4(10, 0, 0, 7) }

function changed(patch: unknown, destination: unknown = server): DestinationRow {
  const identity = parseDestinationKey(web, destination)
  return present(changedDestinationRow(web, identity, readDestination(patch, 'patch')))
}

describe('a patch', () => {
  const row = { ...key, port: 80 }
  const noTunnel = { tunnelType: 0, tunnelPort: 0, tunnelFlags: 0 }

  test.each<[object, DestinationRow]>([
    [{}, {}],
    [{ weight: 0 }, { weight: 0 }],
    [{ upperThreshold: 7 }, { upperThreshold: 7 }],
    [{ lowerThreshold: 7 }, { lowerThreshold: 7 }],
    [{ forwarding: 'direct' }, { forwarding: 3, ...noTunnel }],
    [
      { forwarding: 'masquerade', weight: 2 },
      { forwarding: 0, weight: 2, ...noTunnel },
    ],
    [{ forwarding: 'tunnel' }, { forwarding: 2 }],
    [{ lowerThreshold: null }, { lowerThreshold: 0 }],
    [
      { upperThreshold: 7, lowerThreshold: null },
      { upperThreshold: 7, lowerThreshold: 0 },
    ],
    [{ upperThreshold: null }, { upperThreshold: 0, lowerThreshold: 0 }],
    [{ tunnel: null }, noTunnel],
    [
      { tunnel: null, forwarding: 'tunnel' },
      { forwarding: 2, ...noTunnel },
    ],
    [
      { forwarding: 'tunnel', tunnel: { type: 'gre' } },
      { forwarding: 2, ...noTunnel, tunnelType: 2 },
    ],
  ])('%j: the row has the changed fields only', (patch, changes) => {
    expect(changed(patch)).toEqual({ ...row, ...changes })
  })

  test.each<[string, object]>([
    ['patch.weight', { weight: -1 }],
    ['patch.weight', { weight: null }],
    ['patch.lowerThreshold', { lowerThreshold: 2, upperThreshold: 1 }],
    ['patch.lowerThreshold', { lowerThreshold: 2, upperThreshold: null }],
    ['patch.forwarding', { forwarding: 'nat' }],
    ['patch.tunnel', { tunnel: { type: 'gre' } }],
    ['patch.tunnel', { tunnel: { type: 'gre' }, forwarding: 'direct' }],
    ['patch.tunnel.port', { tunnel: { type: 'gue' }, forwarding: 'tunnel' }],
    ['patch.address', { address: '10.0.0.8' }],
    ['patch.address', { address: 'nonsense' }],
    ['patch.port', { port: 81 }],
    ['patch.scheduler', { scheduler: 'rr' }],
  ])('refuses %s (%#)', (field, patch) => expect(refused(() => changed(patch)).field).toBe(field))

  test('has the checks of a new destination, except for an unused port', () => {
    const elsewhere = { address: '10.0.0.7', port: 8080 }
    expect(changed({ forwarding: 'direct' }, elsewhere)).toMatchObject({ port: 8080, forwarding: 3 })
    expect(refused(() => changed({ forwarding: 'masquerade' }, { address: '::7' })).field).toBe('destination.address')
  })
})
