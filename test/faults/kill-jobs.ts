// What is interrupted by a kill, and then simply done once more.
import { FirewallMarks, Ipvs, type MarkRule } from 'ipvs'
import { applyChanges, diffState, readState } from '../../state/index.ts'
import { prepare as prepareState, wanted } from './scenarios/states.ts'
import type { World } from './world.ts'

export interface KillJob {
  prepare(world: World): Promise<unknown>
  /** Opens its own handles. */
  run(netns: string): Promise<void>
}

const services = Array.from({ length: 500 }, (_, index) => ({ fwmark: index + 1, scheduler: 'rr' }))
const block: MarkRule = { mark: 8, address: '172.16.0.0/16', protocol: 'tcp', ports: 'all' }
const inner: MarkRule = { mark: 9, address: '172.16.5.0/24', protocol: 'tcp', ports: 'all' }

async function fill(netns: string): Promise<void> {
  const ipvs = await Ipvs.open({ netns })
  const { failures } = await ipvs.addServices(services)
  const other = failures.find(({ error }) => error.code !== 'ERR_IPVS_SERVICE_EXISTS')
  await ipvs.close()
  if (other !== undefined) throw other.error
}

async function replace(netns: string): Promise<void> {
  const marks = await FirewallMarks.open({ netns })
  await marks.replace([inner])
  await marks.close()
}

async function restore(netns: string): Promise<void> {
  const [ipvs, marks] = [await Ipvs.open({ netns }), await FirewallMarks.open({ netns })]
  const changes = diffState(await readState({ ipvs, marks }), wanted, { prune: true })
  const { failures } = await applyChanges(changes, { ipvs, marks, stopOnError: true })
  await Promise.all([ipvs.close(), marks.close()])
  if (failures[0] !== undefined) throw failures[0].error
}

export const killJobs: Readonly<Record<string, KillJob>> = {
  batch: { prepare: async () => {}, run: fill },
  'marks.replace': { prepare: ({ marks }) => marks.replace([block]), run: replace },
  restore: { prepare: prepareState, run: restore },
}
