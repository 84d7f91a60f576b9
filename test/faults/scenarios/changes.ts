// Changes of one service or destination, each of them one promise.
import type { Handles, Scenario } from '../scenario.ts'
import { judgeChange } from '../scenario.ts'
import type { World } from '../world.ts'

const service = { protocol: 'tcp', address: '172.16.0.100', port: 80, scheduler: 'rr' } as const
const [first, second] = [{ address: '10.0.0.7' }, { address: '10.0.0.17' }]

async function prepare({ ipvs }: World): Promise<void> {
  await ipvs.addService(service)
  await ipvs.addDestination(service, { ...first, forwarding: 'direct', weight: 1 })
}

function change(name: string, run: (handles: Handles) => Promise<unknown>): Scenario {
  return { name, handles: ['ipvs'], calls: 1, prepare, run, judge: judgeChange }
}

export const changes: readonly Scenario[] = [
  change('add service', ({ ipvs }) => ipvs.addService({ fwmark: 7, scheduler: 'rr' })),
  change('patch service', ({ ipvs }) => ipvs.updateService(service, { persistence: { timeoutSeconds: 360 } })),
  change('remove service', ({ ipvs }) => ipvs.removeService(service)),
  change('add destination', ({ ipvs }) => ipvs.addDestination(service, { ...second, forwarding: 'direct' })),
  change('patch destination', ({ ipvs }) => ipvs.updateDestination(service, first, { weight: 5 })),
  change('remove destination', ({ ipvs }) => ipvs.removeDestination(service, first)),
  change('flush', ({ ipvs }) => ipvs.flush()),
]
