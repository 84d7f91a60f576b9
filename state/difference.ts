// From one table to another: what has to be done, in an order that keeps traffic flowing.
import { isDeepStrictEqual } from 'node:util'
import type {
  BatchOperation,
  Destination,
  DestinationKey,
  DestinationPatch,
  ListedSyncDaemon,
  MarkRule,
  NatRule,
  Service,
  ServiceKey,
  ServicePatch,
  SyncDaemonRole,
  Timeouts,
} from 'ipvs'
import type { Document, SavedService } from './document.ts'
import { endpointText, serviceText } from './key-text.ts'
import { markWords, natWords } from './rule-text.ts'

/** All rules of a kind, which are put in place in one transaction. */
interface RulesStep<Name, Rule> {
  readonly name: Name
  readonly rules: readonly Rule[]
  /** What that changes, a line for each rule. */
  readonly changes: readonly string[]
}

export type Step =
  | { readonly name: 'timeouts'; readonly timeouts: Timeouts }
  | { readonly name: 'stopDaemon'; readonly role: SyncDaemonRole }
  | { readonly name: 'startDaemon'; readonly daemon: ListedSyncDaemon }
  | RulesStep<'marks', MarkRule>
  | RulesStep<'nat', NatRule>
  /** Rules are as they should be, but not in effect. */
  | { readonly name: 'repair'; readonly problems: readonly string[] }
  | { readonly name: 'change'; readonly operation: BatchOperation }

const change = (operation: BatchOperation): Step => ({ name: 'change', operation })

/** What tells the destinations of a service apart: without a port they have that of the service. */
export function destinationKeyOf({ port: servicePort = 0 }: ServiceKey): (destination: DestinationKey) => string {
  return ({ address, port = servicePort }) => endpointText(address, port)
}

/** Items by their keys; of several with one key the last. */
export function byKey<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item> {
  return new Map(items.map((item) => [key(item), item]))
}

// A patch that leaves nothing as it was.
function wholeService({ scheduler, schedulerFlags = [], ...service }: Service): ServicePatch {
  const { persistence, persistenceEngine, onePacket = false } = service
  return {
    scheduler,
    schedulerFlags,
    onePacket,
    persistence: persistence ?? null,
    persistenceEngine: persistenceEngine ?? null,
  }
}

function wholeDestination({ forwarding, weight = 1, tunnel, ...limits }: Destination): DestinationPatch {
  const { upperThreshold = 0, lowerThreshold = 0 } = limits
  return {
    forwarding,
    weight,
    upperThreshold,
    lowerThreshold,
    ...(forwarding === 'tunnel' && { tunnel: tunnel ?? null }),
  }
}

function addedService({ service, destinations }: SavedService): Step[] {
  return [
    change({ operation: 'addService', service }),
    // The last one that is added is the first one that is listed.
    ...destinations.toReversed().map((destination) => change({ operation: 'addDestination', service, destination })),
  ]
}

interface Changes {
  readonly additions: Step[]
  readonly removals: Step[]
}

function changedService(current: SavedService, wanted: SavedService): Changes {
  const { service } = wanted
  const [before, after] = [current, wanted].map(({ destinations }) =>
    byKey(destinations, destinationKeyOf(service)),
  ) as [Map<string, Destination>, Map<string, Destination>]
  const additions = isDeepStrictEqual(current.service, service)
    ? []
    : [change({ operation: 'updateService', service, patch: wholeService(service) })]
  for (const [key, destination] of [...after].toReversed()) {
    const old = before.get(key)
    if (old === undefined) additions.push(change({ operation: 'addDestination', service, destination }))
    else if (!isDeepStrictEqual(old, destination)) {
      const patch = wholeDestination(destination)
      additions.push(change({ operation: 'updateDestination', service, destination, patch }))
    }
  }
  const gone = [...before].filter(([key]) => !after.has(key))
  const removals = gone.map(([, destination]) => change({ operation: 'removeDestination', service, destination }))
  return { additions, removals }
}

function serviceSteps(current: readonly SavedService[], wanted: readonly SavedService[]): Changes {
  const before = byKey(current, ({ service }) => serviceText(service))
  const after = byKey(wanted, ({ service }) => serviceText(service))
  const additions: Step[] = []
  const removals: Step[] = []
  for (const [key, saved] of after) {
    const old = before.get(key)
    const changes = old === undefined ? { additions: addedService(saved), removals: [] } : changedService(old, saved)
    additions.push(...changes.additions)
    removals.push(...changes.removals)
  }
  for (const [key, { service }] of before) {
    if (!after.has(key)) removals.push(change({ operation: 'removeService', service }))
  }
  return { additions, removals }
}

// Rules are the same when the same words make them, whatever their order.
function ruleChanges<Rule>(have: readonly Rule[], want: readonly Rule[], words: (rule: Rule) => string): string[] {
  const [before, after] = [have, want].map((rules) => new Set(rules.map(words))) as [Set<string>, Set<string>]
  return [
    ...[...before].filter((each) => !after.has(each)).map((each) => `- ${each}`),
    ...[...after].filter((each) => !before.has(each)).map((each) => `+ ${each}`),
  ]
}

function ruleSteps(have: Document, want: Document): Step[] {
  const steps: Step[] = []
  if (want.nat !== undefined) {
    const changes = ruleChanges(have.nat ?? [], want.nat, natWords)
    if (changes.length > 0) steps.push({ name: 'nat', rules: want.nat, changes })
  }
  if (want.marks !== undefined) {
    const changes = ruleChanges(have.marks ?? [], want.marks, markWords)
    if (changes.length > 0) steps.push({ name: 'marks', rules: want.marks, changes })
  }
  return steps
}

const includes = <Item>(items: readonly Item[], item: Item): boolean =>
  items.some((each) => isDeepStrictEqual(each, item))

/** As it comes out of JSON. */
export const plain = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value

/**
 * The steps from `current` to `wanted`; none when they are the same. First what is new or different, then the marks, which lead
 * to it, and only then what goes. Daemons that change stop first, because they forbid some destinations, and start last.
 */
export function difference(current: Document, wanted: Document): Step[] {
  const [have, want] = [plain(current), plain(wanted)]
  const steps: Step[] = []
  const { additions, removals } = serviceSteps(have.services, want.services)
  const running = have.daemons ?? []
  const daemons = want.daemons ?? running
  for (const daemon of running) if (!includes(daemons, daemon)) steps.push({ name: 'stopDaemon', role: daemon.role })
  if (want.timeouts !== undefined && !isDeepStrictEqual(have.timeouts, want.timeouts)) {
    steps.push({ name: 'timeouts', timeouts: want.timeouts })
  }
  steps.push(...additions)
  steps.push(...ruleSteps(have, want), ...removals)
  for (const daemon of daemons) if (!includes(running, daemon)) steps.push({ name: 'startDaemon', daemon })
  return steps
}
