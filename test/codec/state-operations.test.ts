// Updates of a state: native code packs them, and a former tunnel is removed.
import { expect, test } from 'vitest'

import { normalizeDestination, type DestinationAsListed, type DestinationPatch } from 'ipvs'
import { operationOf } from '../../state/operation.ts'
import { lookedAt, packed } from './items.ts'

const service = { protocol: 'tcp', address: '172.16.0.100', port: 80, family: 'ipv4' } as const
const owner = { ...service, scheduler: 'wrr', schedulerFlags: [], onePacket: false }

/** The operation that changes a destination with a tunnel, and the patch that says so in full. */
function update(forwarding: 'masquerade' | 'direct' | 'tunnel'): { item: unknown; whole: unknown } {
  const key = { address: '10.0.0.7', port: 80 }
  const destination = normalizeDestination(service, { ...key, forwarding, weight: 5 })
  const from: DestinationAsListed = { ...destination, forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080 } }
  const patch: DestinationPatch = { ...destination, tunnel: null }
  return {
    item: operationOf({ kind: 'destination', action: 'update', key: '', service: owner, destination, from }),
    whole: { operation: 'updateDestination', service, destination: key, patch },
  }
}

test.each(['masquerade', 'direct'] as const)('an update to %s is packed, and resets the tunnel', (forwarding) => {
  const { item, whole } = update(forwarding)
  expect(packed([item])).toEqual([lookedAt(whole)])
})

test('an update to a tunnel without options resets them', () => {
  const { item, whole } = update('tunnel')
  expect(lookedAt(item)).toBe(lookedAt(whole))
})
