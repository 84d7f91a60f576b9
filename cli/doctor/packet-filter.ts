// Packets of services that firewalls drop, found by tracing the rules without real packets.
import type { DroppedBy, Trace } from 'ipvs'
import { serviceText } from '../../state/key-text.ts'
import { placeText } from '../../state/rule-text.ts'
import { acceptCommand } from './accept-rule.ts'
import type { Check, Facts } from './facts.ts'
import { bad, setSysctl, type Finding } from './finding.ts'
import { groupBy } from './groups.ts'
import type { Probed } from './probes.ts'

const CONNTRACK = 'net.ipv4.vs.conntrack'

interface Dropped extends Probed {
  readonly by: DroppedBy
}

function droppedOf({ probes = [] }: Facts, kind: Probed['kind']): Dropped[] {
  return probes.flatMap((probe) => {
    const by = probe.kind === kind ? probe.trace.droppedBy : undefined
    return by === undefined ? [] : [{ ...probe, by }]
  })
}

/** Groups by the dropping rule or policy. */
function byPlace(dropped: readonly Dropped[]): [Dropped, ...Dropped[]][] {
  return [...groupBy(dropped, ({ by }) => placeText(by)).values()]
}

const servicesOf = (dropped: readonly Dropped[]): string => {
  const names = dropped.flatMap(({ service }) => (service === undefined ? [] : [serviceText(service)]))
  return [...new Set(names)].join(', ') || 'marks'
}

const commands = (dropped: readonly Dropped[]): string[] => [
  ...new Set(dropped.map(({ by, packet }) => acceptCommand(by, packet))),
]

const inputDrops: Check = (facts) =>
  byPlace(droppedOf(facts, 'client')).map((dropped) => {
    const [{ by }] = dropped
    return bad('input-drops', {
      what: `${placeText(by)} drops packets from clients to ${servicesOf(dropped)}, at hook ${by.hook}`,
      why: 'IPVS runs after the filters of the hook input with every forwarding method, so it never sees them',
      fix: commands(dropped),
    })
  })

const outputDrops: Check = (facts) =>
  byPlace(droppedOf(facts, 'server')).map((dropped) => {
    const [{ by }] = dropped
    return bad('output-drops', {
      what: `${placeText(by)} drops packets from IPVS to real servers of ${servicesOf(dropped)}`,
      why: 'packets from IPVS pass the hook output, so none reaches a server',
      fix: commands(dropped),
    })
  })

const accepts = (trace: Trace | undefined): boolean => trace?.outcome === 'accepted'

function repliesDropped(dropped: readonly [Dropped, ...Dropped[]], facts: Facts): Finding {
  const [{ by }] = dropped
  const what = `${placeText(by)} drops replies of real servers of ${servicesOf(dropped)}, at hook ${by.hook}`
  if (facts.sysctls[CONNTRACK] !== '1' && dropped.every(({ tracked }) => accepts(tracked))) {
    return bad('answers-untracked', {
      what: `${what}: it accepts replies of known connections, and ${CONNTRACK} is 0`,
      why: 'then connections of IPVS are not tracked, and their replies belong to no known connection',
      fix: setSysctl({ [CONNTRACK]: 1 }),
    })
  }
  const why = 'with masquerade the director forwards all replies, so no connection is established'
  return bad('forward-drops', { what, why, fix: commands(dropped) })
}

const forwardDrops: Check = (facts) =>
  byPlace(droppedOf(facts, 'reply')).map((dropped) => repliesDropped(dropped, facts))

export const packetFilterChecks: readonly Check[] = [inputDrops, outputDrops, forwardDrops]
