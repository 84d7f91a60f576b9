// A whole state is applied, as `ipvs restore --prune` does it: the result has the number of applied changes.
import { applyChanges, Changes, diffState, readState, type ApplyResult, type State } from '../../../state/index.ts'
import type { Ended, Scenario } from '../scenario.ts'
import { differenceText } from '../scenario.ts'
import { sameLines, type Lines, type World } from '../world.ts'

const servers = [{ address: '10.0.0.7' }, { address: '10.0.0.17' }] as const
const stale = { fwmark: 99, scheduler: 'wlc' } as const

const saved = (fwmark: number) => ({
  service: { fwmark, scheduler: 'rr' },
  destinations: servers.map((each) => ({
    ...each,
    port: 0,
    forwarding: 'direct' as const,
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
  })),
})

/** What is to be there in the end. */
export const wanted: State = {
  version: 1,
  services: [saved(7), saved(21)],
  marks: [
    { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] },
    { mark: 21, address: '192.168.1.11', protocol: 'tcp', ports: [21, '10000-20000'] },
  ],
}

/** What was there before. */
export async function prepare({ ipvs, marks }: World): Promise<void> {
  await ipvs.addService(stale)
  await ipvs.addDestination(stale, { ...servers[0], forwarding: 'direct' })
  await marks.replace([{ mark: 99, address: '172.16.0.100', protocol: 'tcp', ports: [80] }])
}

/** The changes, and the table after each possible number of applied changes. */
interface Course {
  readonly changes: Changes
  readonly states: ReadonlyMap<number, Lines>
}

/** Applies the changes one by one; mark rules change in one transaction, so all of them are one step. */
export async function courseOf(world: World): Promise<Course> {
  const changes = diffState(await readState(world), wanted, { prune: true })
  const states = new Map([[0, await world.look()]])
  for (let done = 0; done < changes.length;) {
    const rest = changes.list.slice(done)
    const others = rest.findIndex(({ kind }) => kind !== 'mark')
    const step = others === 0 ? rest.slice(0, 1) : rest.slice(0, others < 0 ? undefined : others)
    const { failures } = await applyChanges(new Changes(step), world)
    if (failures[0] !== undefined) throw failures[0].error
    done += step.length
    states.set(done, await world.look())
  }
  return { changes, states }
}

function judge(ended: Ended, now: Lines, { changes, states }: Course): string | undefined {
  if ('error' in ended) return `rejected: ${String(ended.error)}`
  const { applied, failures } = ended.value as ApplyResult
  if (applied + failures.length !== changes.length) {
    return `${applied} changes applied and ${failures.length} failures reported of ${changes.length} changes`
  }
  const right = states.get(applied)
  if (right === undefined) return `${applied} of ${changes.length} changes applied, it says`
  if (sameLines(now, right)) return undefined
  const [first] = failures
  const next = [...states].find(([count]) => count > applied)?.[1]
  if (first?.outcome === 'unknown' && next !== undefined && sameLines(now, next)) return undefined
  return `${applied} changes applied, it says (${first?.message ?? 'no failure'}), but ${differenceText(now, right)}`
}

let known: Course | undefined

export const states: readonly Scenario[] = [
  {
    name: 'apply state',
    handles: ['ipvs', 'marks'],
    calls: 3,
    prepare: async (world) => {
      await prepare(world)
      if (known !== undefined) return
      known = await courseOf(world)
      await world.clear()
      await prepare(world)
    },
    run: ({ ipvs, marks }) => applyChanges((known as Course).changes, { ipvs, marks, stopOnError: true }),
    judge: (ended, now) => judge(ended, now, known as Course),
  },
]
