// What firewalls do with packets of services, by their rules: no packet has to come for it.
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

/** One list for each rule or policy that drops. */
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
      what: `${placeText(by)} drops what clients send to ${servicesOf(dropped)}, at hook ${by.hook}`,
      why: 'IPVS takes packets behind the hook input, so it never sees them, whatever the way of forwarding',
      fix: commands(dropped),
    })
  })

const outputDrops: Check = (facts) =>
  byPlace(droppedOf(facts, 'server')).map((dropped) => {
    const [{ by }] = dropped
    return bad('output-drops', {
      what: `${placeText(by)} drops what IPVS sends to real servers of ${servicesOf(dropped)}`,
      why: 'these packets pass the hook output, and no packet gets to a server',
      fix: commands(dropped),
    })
  })

const accepts = (trace: Trace | undefined): boolean => trace?.outcome === 'accepted'

function answersDropped(dropped: readonly [Dropped, ...Dropped[]], facts: Facts): Finding {
  const [{ by }] = dropped
  const what = `${placeText(by)} drops what real servers of ${servicesOf(dropped)} answer, at hook ${by.hook}`
  if (facts.sysctls[CONNTRACK] !== '1' && dropped.every(({ tracked }) => accepts(tracked))) {
    return bad('answers-untracked', {
      what: `${what}: it accepts answers of known connections, and ${CONNTRACK} is 0`,
      why: 'IPVS then takes its connections out of connection tracking, and their answers belong to none',
      fix: setSysctl({ [CONNTRACK]: 1 }),
    })
  }
  const why = 'with masquerade all answers are forwarded by the director, so no connection gets established'
  return bad('forward-drops', { what, why, fix: commands(dropped) })
}

const forwardDrops: Check = (facts) =>
  byPlace(droppedOf(facts, 'answer')).map((dropped) => answersDropped(dropped, facts))

export const packetFilterChecks: readonly Check[] = [inputDrops, outputDrops, forwardDrops]
