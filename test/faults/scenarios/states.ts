// A whole state is applied, as `ipvs restore` does it: the answer says how many steps were carried out.
import { applySteps, type Applied } from '../../../state/apply.ts'
import { difference, type Step } from '../../../state/difference.ts'
import { readDocument, type Document } from '../../../state/document.ts'
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
export const wanted: Document = {
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

/** The tables after no step, the first one, the first two, and so on. */
export async function statesOf(world: World): Promise<{ readonly steps: readonly Step[]; readonly states: Lines[] }> {
  const steps = difference(await readDocument(world.ipvs, world.marks), wanted)
  const states = [await world.look()]
  for (const step of steps) {
    const { error } = await applySteps([step], world.ipvs, world.marks)
    if (error !== undefined) throw error
    states.push(await world.look())
  }
  return { steps, states }
}

function judge(ended: Ended, now: Lines, states: readonly Lines[]): string | undefined {
  if ('error' in ended) return `rejected: ${String(ended.error)}`
  const { applied, error } = ended.value as Applied
  const right = states[applied]
  if (right === undefined) return `${applied} steps of ${states.length - 1} were applied, it says`
  if (sameLines(now, right)) {
    return error === undefined && applied < states.length - 1 ? 'no error, but steps are missing' : undefined
  }
  const next = states[applied + 1]
  if (error?.outcome === 'unknown' && next !== undefined && sameLines(now, next)) return undefined
  return `${applied} steps applied, it says (${error?.code ?? 'no error'}), but ${differenceText(now, right)}`
}

let known: { readonly steps: readonly Step[]; readonly states: Lines[] } | undefined

export const states: readonly Scenario[] = [
  {
    name: 'apply state',
    handles: ['ipvs', 'marks'],
    calls: 3,
    prepare: async (world) => {
      await prepare(world)
      if (known !== undefined) return
      known = await statesOf(world)
      await world.clear()
      await prepare(world)
    },
    run: ({ ipvs, marks }) => applySteps(known?.steps ?? [], ipvs, marks),
    judge: (ended, now) => judge(ended, now, known?.states ?? []),
  },
]
