// A made-up attribute, unknown to state/: saved as it is listed, and never lost silently.
import { expect, test } from 'vitest'
import { diffState, readState, type CurrentState } from '../../../state/index.ts'
import { FakeKernel } from './fake-kernel.ts'

async function read(invented: { readonly service?: number; readonly destination: number }): Promise<CurrentState> {
  const kernel = new FakeKernel()
  const service = { fwmark: 7 } as const
  kernel.execute({ operation: 'addService', service })
  kernel.execute({ operation: 'addDestination', service, destination: { address: '10.0.0.7' } })
  const entry = [...kernel.services.values()][0]
  const destination = [...(entry?.destinations.values() ?? [])][0]
  if (invented.service !== undefined) Object.assign(entry?.service ?? {}, { invented: invented.service })
  Object.assign(destination ?? {}, { invented: invented.destination })
  return readState(kernel)
}

test('a made-up attribute is saved', async () => {
  const { services } = await read({ service: 5, destination: 6 })
  expect(services[0]?.service).toMatchObject({ invented: 5 })
  expect(services[0]?.destinations[0]).toMatchObject({ invented: 6 })
  // Counters are not.
  expect(JSON.stringify(services)).not.toMatch(/statistics|Connections/)
})

test('the same value is no difference', async () => {
  const [current, same] = [await read({ service: 5, destination: 6 }), await read({ service: 5, destination: 6 })]
  expect(diffState(current, same, { prune: true }).length).toBe(0)
})

test('another value is a problem, because it cannot be set', async () => {
  const current = await read({ service: 5, destination: 6 })
  const desired = await read({ service: 0, destination: 6 })
  expect(() => diffState(current, desired)).toThrow('services[0].service.invented: there is no such property')
  const [other, theirs] = [await read({ destination: 6 }), await read({ destination: 0 })]
  expect(() => diffState(other, theirs)).toThrow('services[0].destinations[0].invented: there is no such property')
})
