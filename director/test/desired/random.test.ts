// Random sites and histories in simulated time: what holds for every site holds at every moment.
import { isDeepStrictEqual } from 'node:util'
import { diffState, normalizeState, type CurrentState } from 'ipvs/state'
import { expect, test } from 'vitest'
import { randomSource } from '../../../test/unit/support/random.ts'
import { adoptedServers, provenServers } from '../../src/control/adopt.ts'
import { drainRefusal } from '../../src/desired/candidate.ts'
import { desired, type Desired, type DesiredInput } from '../../src/desired/desired.ts'
import type { HealthState, Memory, Override, Remaining, ServerHealth, ServerId } from '../../src/desired/inputs.ts'
import { overrideOf } from '../../src/desired/overrides.ts'
import type { Site, SiteService } from '../../src/site/site.ts'
import { server, service, site } from '../support/sites.ts'

type Random = (below: number) => number
const pick = <Value>(random: Random, values: readonly Value[]): Value => values[random(values.length)] as Value

function randomService(random: Random, index: number): SiteService {
  const scheduler = pick(random, ['rr', 'wrr', 'wlc', 'mh', 'sh'])
  const flags = scheduler === 'mh' ? (['mh-fallback'] as const) : scheduler === 'sh' ? (['sh-fallback'] as const) : []
  const marked = random(2) === 0
  const port = { from: 80 + index, to: 80 + index }
  const ports = marked ? [port, { from: 1000 * (index + 1), to: 1000 * (index + 1) + random(900) }] : [port]
  return service(`s${index}`, {
    by: marked ? 'mark' : 'address',
    mark: marked && random(2) === 0 ? 100 + index : undefined,
    virtuals: [{ address: '172.16.0.100', family: 'ipv4', protocol: 'tcp', ports }],
    scheduler,
    schedulerFlags: random(2) === 0 ? flags : [],
    persistence: random(2) === 0 ? { timeoutSeconds: 60, netmask: undefined, engine: undefined } : undefined,
    servers: Array.from({ length: 1 + random(5) }, (_, n) =>
      server(`w${n}`, `10.${index}.0.${n + 1}`, { weight: random(4), priority: random(4) === 0 ? 1 : 0 }),
    ),
    onFailure: pick(random, ['remove', 'drain']),
    slowStart: random(2) === 0 ? { forMs: 20_000, from: 0.1 } : undefined,
    minimumHealthy: { share: pick(random, [0, 0.5, 1]), below: pick(random, ['keep', 'sorry', 'withdraw']) },
    sorry:
      random(2) === 0
        ? { address: `10.${index}.0.99`, family: 'ipv4', port: undefined, forwarding: 'direct' }
        : undefined,
    // oxlint-disable-next-line unicorn/no-thenable -- a text, as in the site file
    drain: { stickiness: 'keep', waitMs: 30_000, then: pick(random, ['keep', 'remove']) },
  })
}

/** A daemon without clock and kernel. */
class Story {
  now = 1_000_000
  health = new Map<ServerId, ServerHealth>()
  overrides: Override[] = []
  remaining = new Map<ServerId, Remaining>()
  adopted: ReadonlySet<ServerId> = new Set()
  memory: Memory = { marks: {} }
  readonly site: Site
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
    this.site = site(...Array.from({ length: 1 + random(3) }, (_, index) => randomService(random, index)))
  }

  get input(): DesiredInput {
    const { site: given, health, overrides, remaining, adopted, memory, now } = this
    return { site: given, health, overrides, remaining, adopted, memory, now }
  }

  /** Something happens to a random server. */
  happen(): void {
    const random = this.#random
    const { name, servers } = pick(random, this.site.services)
    const target = pick(random, servers).name
    const id: ServerId = `${name}/${target}`
    this.now += random(15_000)
    switch (random(4)) {
      case 0:
      case 1: {
        const state = pick<HealthState>(random, ['up', 'down', 'down'])
        const slowStartSince = this.health.get(id)?.state === 'down' && state === 'up' ? this.now : undefined
        this.health.set(id, {
          state,
          since: this.now,
          reason: state === 'down' ? 'refused' : '',
          slowStartSince,
          agent: undefined,
        })
        break
      }
      case 2: {
        const kind = pick<Override['kind']>(random, ['drain', 'disable', 'forceUp'])
        const until = random(2) === 0 ? this.now + 1 + random(60_000) : undefined
        const where = random(2) === 0 ? target : id
        this.overrides = [
          ...this.overrides.filter((each) => each.target !== where),
          { kind, target: where, who: 'x', why: '', since: this.now, until },
        ]
        break
      }
      default:
        this.overrides = this.overrides.slice(1)
        this.remaining.set(id, { connections: random(3), templates: random(2) })
    }
  }
}

function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of value instanceof Map ? value.values() : Object.values(value)) frozen(each)
  }
  return value
}

const at = (story: Story, now: number): Desired => desired({ ...story.input, now })

const weightsOf = ({ services }: Desired): readonly (readonly [ServerId, number])[] =>
  services.flatMap(({ servers }) => servers.map(({ id, weight }) => [id, weight] as const))

function problems(story: Story, decided: Desired): string[] {
  const found: string[] = []
  for (const { service: of, servers, sorry } of decided.services) {
    for (const {
      id,
      server: { name },
      place,
      weight,
    } of servers) {
      if (!Number.isInteger(weight) || weight < 0 || weight > 0x7fffffff) found.push(`${id}: weight ${weight}`)
      if ((place === 'traffic') !== weight > 0) found.push(`${id}: ${place} with weight ${weight}`)
      const override = overrideOf(story.overrides, of.name, name, story.now)
      const { kind } = override ?? {}
      if (kind === 'disable' && place !== 'absent') found.push(`${id}: disabled, but ${place}`)
      if (kind === 'drain' && place === 'traffic' && drainRefusal(of) === undefined)
        found.push(`${id}: drained, but has traffic`)
      if (
        kind === 'forceUp' &&
        place !== 'traffic' &&
        servers.some((each) => each.server.name === name && each.server.weight > 0)
      )
        found.push(`${id}: forced up, but ${place}`)
    }
    // A server that was never checked was not removed.
    const free = servers.filter(({ server: { name, weight }, code }) => {
      const kind = overrideOf(story.overrides, of.name, name, story.now)?.kind
      return code !== 'unknown' && weight > 0 && kind !== 'drain' && kind !== 'disable'
    })
    const { share, below } = of.minimumHealthy
    const some = servers.some(({ place }) => place === 'traffic')
    if (share > 0 && below === 'keep' && free.length > 0 && !some && !sorry)
      found.push(`${of.name}: all removed below the minimum`)
  }
  return found
}

test.each(Array.from({ length: 150 }, (_, seed) => seed + 1))('history %i', (seed) => {
  const source = randomSource(seed)
  const random: Random = (below) => source() % below
  const story = new Story(random)
  for (let step = 0; step < 25; step++) {
    story.happen()
    const input = frozen(story.input)
    const decided = desired(input)
    expect(problems(story, decided)).toEqual([])
    // Pure, and valid for the kernel.
    expect(desired(input)).toEqual(decided)
    const state = normalizeState(decided.state)
    const current = {
      version: 1,
      timeouts: { tcp: 900, tcpFin: 120, udp: 300 },
      daemons: [],
      ...state,
    } as unknown as CurrentState
    expect(diffState(current, state, { prune: true }).toString()).toBe('')
    story.memory = decided.memory
    // Time alone changes nothing before wakeAt, and drains end.
    const next = decided.wakeAt ?? story.now + 3_600_000
    expect(next).toBeGreaterThan(story.now)
    const before = at(story, Math.max(story.now, next - 1))
    expect(isDeepStrictEqual(before.state, decided.state)).toBe(true)
    const late = at(story, story.now + 3_600_000)
    expect(late.services.flatMap(({ servers }) => servers).filter(({ code }) => code === 'draining')).toEqual([])
    // What was proven is not lost with the prober.
    story.adopted = provenServers(decided)
    expect(weightsOf(at(story, story.now))).toEqual(weightsOf(decided))
    // A restart: overrides and memory come back from their file, health is unknown, the table says who had traffic.
    const kept = JSON.parse(JSON.stringify({ overrides: story.overrides, memory: story.memory })) as Pick<
      Story,
      'overrides' | 'memory'
    >
    const adopted = adoptedServers(story.site, decided.marks, current)
    expect([...story.adopted].filter((id) => !adopted.has(id))).toEqual([])
    const again = desired({ ...story.input, ...kept })
    expect(again.state).toEqual(decided.state)
  }
})
