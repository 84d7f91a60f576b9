// Calls that change nothing: what they resolve with is all of what is there.
import type { Handles, Scenario } from '../scenario.ts'
import { judgeRead } from '../scenario.ts'
import type { World } from '../world.ts'

const service = { fwmark: 1, scheduler: 'rr' } as const

// More than one datagram of services, and of destinations of the first one.
async function prepare({ ipvs }: World): Promise<void> {
  await ipvs.addServices(Array.from({ length: 150 }, (_, index) => ({ fwmark: index + 1, scheduler: 'rr' })))
  await ipvs.addDestinations(
    service,
    Array.from({ length: 150 }, (_, index) => ({ address: `10.0.${index >> 4}.${(index & 15) + 1}` })),
  )
}

async function prepareFew({ ipvs }: World): Promise<void> {
  await ipvs.addService(service)
  await ipvs.addDestination(service, { address: '10.0.0.7' })
}

function read(
  name: string,
  prepareTable: (world: World) => Promise<void>,
  run: (handles: Handles) => Promise<unknown>,
): Scenario {
  return { name, handles: ['ipvs'], calls: 1, prepare: prepareTable, run, judge: judgeRead }
}

const keys = (rows: readonly { fwmark?: number | undefined; address?: string | undefined }[]) =>
  rows.map(({ fwmark, address }) => fwmark ?? address)

export const reads: readonly Scenario[] = [
  read('list services', prepare, async ({ ipvs }) => keys(await ipvs.listServices())),
  read('list few services', prepareFew, async ({ ipvs }) => keys(await ipvs.listServices())),
  read('get service', prepareFew, async ({ ipvs }) => (await ipvs.getService(service)).scheduler),
  read('list destinations', prepare, async ({ ipvs }) => keys(await ipvs.listDestinations(service))),
  read('snapshot', prepareFew, async ({ ipvs }) =>
    (await ipvs.snapshot()).map((each) => [each.fwmark, keys(each.destinations)]),
  ),
]
