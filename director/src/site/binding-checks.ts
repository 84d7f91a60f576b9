// What the binding would refuse, before it is asked to: its own checks on what will be built.
import {
  checkMarkRule,
  checkMarkRules,
  normalizeDestination,
  normalizeService,
  type Destination,
  type MarkPort,
  type MarkRule,
  type ServiceKey,
} from 'ipvs'
import { pathText, type Finding, type Path } from './problems.ts'
import type { PortRange, SiteServer, SiteService, SorryServer, Virtual } from './site.ts'
import { bindingWords } from './words.ts'

const portText = ({ from, to }: PortRange): MarkPort => (from === to ? from : `${from}-${to}`)

function ruleOf({ address, protocol, ports }: Virtual, mark: number): MarkRule {
  return { mark, address, protocol, ports: ports === 'all' ? 'all' : ports.map(portText) }
}

/** Runs a check of the binding. `place`: from the attribute to the path in the file. */
function run(findings: Finding[], place: (attribute: string) => Path, check: () => unknown): void {
  try {
    check()
  } catch (error) {
    const { attribute, text } = bindingWords(error)
    const [what = '', ...fix] = text.split('; ')
    findings.push({
      code: 'refused',
      path: place(attribute),
      text: what,
      fix: fix.length === 0 ? undefined : fix.join('; '),
    })
  }
}

const last = (attribute: string): string => attribute.split(/[.[]/).at(-1) ?? ''

/** A key of a service that stands for all of its entries with this family. */
function keyOf({ by, virtuals, mark }: SiteService, family: 'ipv4' | 'ipv6'): ServiceKey {
  const virtual = virtuals.find((each) => each.family === family)
  if (by === 'mark' || virtual === undefined) return { fwmark: mark ?? 1, family }
  const ports = virtual.ports === 'all' ? 0 : (virtual.ports[0]?.from ?? 0)
  return { address: virtual.address, protocol: virtual.protocol, port: ports }
}

function checkVirtuals({ name, virtuals }: SiteService, list: boolean, findings: Finding[]): void {
  for (const [index, virtual] of virtuals.entries()) {
    const path = ['services', name, 'virtual', ...(list ? [index] : [])]
    run(
      findings,
      (attribute) => [...path, last(attribute)],
      () => checkMarkRule(ruleOf(virtual, 1)),
    )
  }
}

const settingPaths: Readonly<Record<string, Path>> = {
  schedulerFlags: ['scheduler'],
  persistenceEngine: ['persistence', 'engine'],
  netmask: ['persistence', 'netmask'],
  timeoutSeconds: ['persistence', 'timeout'],
}

function checkSettings(service: SiteService, family: 'ipv4' | 'ipv6', findings: Finding[]): void {
  const { name, scheduler, schedulerFlags, persistence, onePacket } = service
  const place = (attribute: string): Path => {
    const field = last(attribute)
    return ['services', name, ...(settingPaths[field] ?? [field])]
  }
  run(findings, place, () =>
    normalizeService({
      ...keyOf(service, family),
      scheduler,
      schedulerFlags,
      onePacket,
      ...(persistence && {
        persistence: { timeoutSeconds: persistence.timeoutSeconds, netmask: persistence.netmask },
        persistenceEngine: persistence.engine,
      }),
    }),
  )
}

const destinationPaths: Readonly<Record<string, Path>> = {
  upperThreshold: ['thresholds', 'upper'],
  lowerThreshold: ['thresholds', 'lower'],
  type: ['tunnel', 'type'],
  checksum: ['tunnel', 'checksum'],
}

function checkDestination(
  key: ServiceKey,
  server: Pick<SiteServer, 'address' | 'port' | 'forwarding'> & Partial<SiteServer>,
  path: Path,
  findings: Finding[],
): void {
  const { address, forwarding, weight, upperThreshold, lowerThreshold, tunnel } = server
  const servicePort = 'fwmark' in key ? 0 : key.port
  const place = (attribute: string): Path => {
    const inTunnel = attribute.endsWith('.tunnel.port')
    return [...path, ...(inTunnel ? ['tunnel', 'port'] : (destinationPaths[last(attribute)] ?? [last(attribute)]))]
  }
  const destination = {
    address,
    port: server.port ?? servicePort,
    forwarding,
    ...(weight === undefined ? {} : { weight }),
    ...(upperThreshold === undefined || upperThreshold === 0 ? {} : { upperThreshold }),
    ...(lowerThreshold === undefined || lowerThreshold === 0 ? {} : { lowerThreshold }),
    ...(tunnel === undefined ? {} : { tunnel }),
  }
  run(findings, place, () => normalizeDestination(key, destination as Destination))
}

function checkServer(service: SiteService, server: SiteServer | SorryServer, path: Path, findings: Finding[]): void {
  const families = new Set(service.virtuals.map(({ family }) => family))
  const { family, forwarding } = server
  if (families.has(family)) return checkDestination(keyOf(service, family), server, path, findings)
  const [other = 'ipv4'] = families
  if (forwarding === 'tunnel') return checkDestination(keyOf(service, other), server, path, findings)
  const text = `${server.address} is ${family}, but the service has ${other} only`
  findings.push({
    code: 'family',
    path: [...path, 'address'],
    text,
    fix: `use an ${other} address, or forwarding tunnel`,
  })
}

/** All that the binding refuses of one service. `list`: the file has a list of virtuals. */
export function checkService(service: SiteService, list: boolean, findings: Finding[]): void {
  checkVirtuals(service, list, findings)
  const path = ['services', service.name]
  checkSettings(service, service.virtuals[0]?.family ?? 'ipv4', findings)
  for (const [index, server] of service.servers.entries()) {
    checkServer(service, server, [...path, 'servers', index], findings)
  }
  if (service.sorry !== undefined) checkServer(service, service.sorry, [...path, 'sorry'], findings)
}

interface PlacedRule {
  readonly rule: MarkRule
  readonly service: SiteService
  readonly path: Path
}

function isRight(rule: MarkRule): boolean {
  try {
    checkMarkRule(rule)
    return true
  } catch (error) {
    return bindingWords(error).text === ''
  }
}

/** A service by address with all ports gets what services by address with a port leave. */
const isRest = ({ rule, service }: PlacedRule): boolean => service.by === 'address' && rule.ports === 'all'

/** Overlaps of virtuals: a packet has one service. The kernel looks for a mark first. */
export function checkOverlaps(
  services: readonly SiteService[],
  isList: (name: string) => boolean,
  findings: Finding[],
): void {
  const all = services.flatMap((service, number): PlacedRule[] =>
    service.virtuals.map((virtual, index) => ({
      rule: ruleOf(virtual, number + 1),
      service,
      path: ['services', service.name, 'virtual', ...(isList(service.name) ? [index] : [])],
    })),
  )
  const right = all.filter(({ rule }) => isRight(rule))
  const kept = withoutOverlaps(
    right.filter((each) => !isRest(each)),
    findings,
  )
  withoutOverlaps([...kept.filter(({ service }) => service.by === 'mark'), ...right.filter(isRest)], findings)
}

/** More are told when these are repaired: each is looked for in all rules. */
const MOST_OVERLAPS = 20

function withoutOverlaps(given: readonly PlacedRule[], findings: Finding[]): readonly PlacedRule[] {
  let rules = given
  for (let count = 0; count < MOST_OVERLAPS; count++) {
    const found = firstOverlap(rules)
    if (found === undefined) return rules
    findings.push(found.finding)
    rules = rules.filter((_, index) => index !== found.index)
  }
  return rules
}

function firstOverlap(rules: readonly PlacedRule[]): { finding: Finding; index: number } | undefined {
  try {
    checkMarkRules(rules.map(({ rule }) => rule))
    return undefined
  } catch (error) {
    const { attribute, text: words } = bindingWords(error)
    const numbers = [...`${attribute} ${words}`.matchAll(/rules\[(\d+)\]/g)].map(([, number]) => Number(number))
    const index = Math.max(...numbers)
    const [one, other] = [rules[index] as PlacedRule, rules[Math.min(...numbers)] as PlacedRule]
    const what =
      one.service === other.service ? 'another address of this service' : pathText(['services', other.service.name])
    const text = `overlaps ${what}: a packet has one service`
    const fix = 'change the address or the ports of one of the two'
    return { index, finding: { code: 'overlap', path: one.path, text, fix } }
  }
}
