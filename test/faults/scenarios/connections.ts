// The connection table is text of the kernel's: no line of it may be missing.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Scenario } from '../scenario.ts'
import { judgeRead } from '../scenario.ts'
import type { World } from '../world.ts'

const service = { protocol: 'udp', address: '172.16.0.100', port: 53, scheduler: 'rr' } as const
const CLIENTS = 150
let connected = false

async function prepare(world: World): Promise<void> {
  const { ipvs } = world
  await ipvs.addService(service)
  await ipvs.addDestination(service, { address: '127.0.0.1' })
  if (connected) return
  connected = true
  await ipvs.setTimeouts({ udpSeconds: 36_000 })
  await world.connect(CLIENTS, service.address, service.port)
  await sleep(200)
}

export const connections: readonly Scenario[] = [
  {
    name: 'connection table',
    handles: ['ipvs'],
    calls: 1,
    prepare,
    run: async ({ ipvs }) => {
      const table = await ipvs.connectionTable()
      const all = await table.toArray()
      return all.map((each) => each.client.port).toSorted((left, right) => left - right)
    },
    judge: judgeRead,
  },
]
