// Every parameter, option and field of the public API against every hostile value: it is refused by name before anything is
// sent, with our error, or it is one of the few that mean something there.
import { inspect } from 'node:util'

import { beforeAll, describe, expect, test, vi } from 'vitest'

import { ConnectionTable } from '../../lib/connections/table.ts'
import { IpvsError } from '../../lib/values/errors.ts'
import { Ipvs } from '../../lib/ipvs.ts'
import { FirewallMarks } from '../../lib/firewall-marks.ts'
import { LazyTable } from '../../lib/values/table.ts'
import { opened as sessions } from './support/fake-binding.ts'
import { FakeConnectionReader } from './support/fake-connections.ts'
import { opened as tables } from './support/fake-marks.ts'
import { hostileValues } from './support/hostile-values.ts'

vi.mock('../../lib/binding/addon.ts', () => import('./support/fake-binding.ts'))

let ipvs: Ipvs
let marks: FirewallMarks
beforeAll(async () => {
  ipvs = await Ipvs.open()
  marks = await FirewallMarks.open()
})

type Method = (...given: never[]) => unknown

/** A call that is right: its parameters by name, with all their fields. */
interface Entry {
  readonly call: Method
  readonly parameters: Readonly<Record<string, unknown>>
}

const { signal } = new AbortController()
const options = { signal }
const listOptions = { consistent: false, signal }
const batchOptions = { stopOnError: true, onProgress: () => {}, signal }
const service = {
  protocol: 'udp',
  address: '172.16.0.100',
  port: 80,
  family: 'ipv4',
  scheduler: 'sh',
  schedulerFlags: ['sh-port'],
  persistence: { timeoutSeconds: 10, netmask: 24 },
  persistenceEngine: 'sip',
  onePacket: true,
}
const markService = { fwmark: 7, family: 'ipv6' }
const key = { protocol: 'tcp', address: '172.16.0.100', port: 80 }
const destination = { address: '10.0.0.7', port: 80, weight: 1, upperThreshold: 9, lowerThreshold: 3 }
const gue = { type: 'gue', port: 6080, checksum: 'local' }
const wrapped = { address: '10.0.0.7', forwarding: 'tunnel', tunnel: gue }
const patch = { scheduler: 'rr', schedulerFlags: [], persistence: { netmask: 24 }, persistenceEngine: 'sip' }
const timeouts = { tcpSeconds: 1, tcpFinSeconds: 2, udpSeconds: 3 }
const daemon = {
  role: 'master',
  interface: 'eth0',
  syncId: 1,
  multicast: { group: '224.0.0.81', port: 8848, ttl: 1 },
  maxLength: 1400,
}
const end = { address: '10.0.0.0/8', port: 80 }
const filter = {
  protocol: ['tcp'],
  state: 'ESTABLISHED',
  client: '10.0.0.1',
  virtual: end,
  destination: end,
  fwmark: 7,
  templates: 'only',
  minExpiresSeconds: 1,
  limit: 1,
  origin: true,
  signal,
}
const rule = {
  mark: 7,
  mask: 255,
  address: '172.16.0.100',
  protocol: 'tcp',
  ports: [80, '443-445'],
  source: '10.0.0.0/8',
  interface: 'eth*',
  counter: true,
  comment: 'web',
}
const masquerade = { action: 'masquerade', source: '10.0.0.0/8', protocol: 'tcp', sourcePorts: 20, address: '10.1.1.1' }
const redirect = { action: 'redirect', address: '10.0.0.7', protocol: 'tcp', ports: 'all', toPort: 80, counter: false }

async function firstFailure(batch: Promise<{ readonly failures: readonly { readonly error: IpvsError }[] }>) {
  const { failures } = await batch
  if (failures[0] !== undefined) throw failures[0].error
}

async function firstStep(steps: AsyncGenerator): Promise<void> {
  await steps.next()
  await steps.return(undefined)
}

const table = new ConnectionTable([])
const method = (call: Method, parameters: Entry['parameters']): Entry => ({ call, parameters })

const entries: Readonly<Record<string, Entry>> = {
  'Ipvs.open': method((given) => Ipvs.open(given), { options: { netns: '/run/netns/a', timeoutMs: 1, signal } }),
  addService: method((...given) => ipvs.addService(...(given as [never, never])), { service, options }),
  'addService of a mark': method((given) => ipvs.addService(given), { service: markService }),
  updateService: method((...given) => ipvs.updateService(...(given as [never, never, never])), {
    service: { fwmark: 7 },
    patch,
    options,
  }),
  removeService: method((...given) => ipvs.removeService(...(given as [never, never])), { service: key, options }),
  addDestination: method((...given) => ipvs.addDestination(...(given as [never, never, never])), {
    service: key,
    destination,
    options,
  }),
  'addDestination behind a tunnel': method((...given) => ipvs.addDestination(...(given as [never, never])), {
    service: key,
    destination: wrapped,
  }),
  updateDestination: method((...given) => ipvs.updateDestination(...(given as [never, never, never, never])), {
    service: key,
    destination: { address: '10.0.0.7', port: 80 },
    patch: { forwarding: 'tunnel', weight: 1, upperThreshold: 9, lowerThreshold: 3, tunnel: gue },
    options,
  }),
  removeDestination: method((...given) => ipvs.removeDestination(...(given as [never, never, never])), {
    service: key,
    destination: { address: '10.0.0.7', port: 80 },
    options,
  }),
  batch: method((...given) => ipvs.batch(...(given as [never, never])), { operations: [], options: batchOptions }),
  addServices: method((...given) => ipvs.addServices(...(given as [never, never])), {
    services: [],
    options: batchOptions,
  }),
  removeServices: method((given) => ipvs.removeServices(given), { services: [] }),
  addDestinations: method((...given) => ipvs.addDestinations(key as never, ...(given as [never, never])), {
    destinations: [],
    options: batchOptions,
  }),
  removeDestinations: method((given) => ipvs.removeDestinations(key as never, given), { destinations: [] }),
  'an item of a batch': method((item) => firstFailure(ipvs.batch([item])), { item: { operation: 'flush' } }),
  'an item that adds a service': method(
    (given) => firstFailure(ipvs.batch([{ operation: 'addService', service: given }])),
    { service },
  ),
  'an item of a generator': method((given) => firstFailure(ipvs.addServices(new Set([given]))), { service }),
  'an item that patches': method(
    (...given) => {
      const [first, second, third] = given as [never, never, never]
      return firstFailure(
        ipvs.batch([{ operation: 'updateDestination', service: first, destination: second, patch: third }]),
      )
    },
    { service: key, destination: { address: '10.0.0.7', port: 80 }, patch: { weight: 1, forwarding: 'direct' } },
  ),
  flush: method((given) => ipvs.flush(given), { options: { family: 'ipv6', signal } }),
  zeroCounters: method((...given) => ipvs.zeroCounters(...(given as [never, never])), { service: key, options }),
  setTimeouts: method((...given) => ipvs.setTimeouts(...(given as [never, never])), { timeouts, options }),
  startSyncDaemon: method((...given) => ipvs.startSyncDaemon(...(given as [never, never])), { daemon, options }),
  stopSyncDaemon: method((...given) => ipvs.stopSyncDaemon(...(given as [never, never])), { role: 'backup', options }),
  info: method((given) => ipvs.info(given), { options }),
  getService: method((...given) => ipvs.getService(...(given as [never, never])), { service: key, options }),
  listServices: method((given) => ipvs.listServices(given), { options: listOptions }),
  serviceTable: method((given) => ipvs.serviceTable(given), { options: listOptions }),
  listDestinations: method((...given) => ipvs.listDestinations(...(given as [never, never])), {
    service: key,
    options: listOptions,
  }),
  destinationTable: method((...given) => ipvs.destinationTable(...(given as [never, never])), {
    service: key,
    options: listOptions,
  }),
  snapshot: method((given) => ipvs.snapshot(given), { options: listOptions }),
  snapshotTable: method((given) => ipvs.snapshotTable(given), { options: listOptions }),
  getTimeouts: method((given) => ipvs.getTimeouts(given), { options }),
  listSyncDaemons: method((given) => ipvs.listSyncDaemons(given), { options }),
  connections: method((given) => firstStep(ipvs.connections(given)), { filter }),
  connectionTable: method((given) => ipvs.connectionTable(given), { filter }),
  watchConnections: method((given) => firstStep(ipvs.watchConnections(given)), {
    options: { intervalMs: 10, filter: { state: ['NONE'], client: { port: 1 } }, signal },
  }),
  statistics: method((given) => ipvs.statistics(given), { options }),
  countBy: method((given) => table.countBy(given), { field: 'client' }),
  top: method((...given) => table.top(...(given as [never, never])), { n: 1, field: 'client' }),
  column: method((given) => table.column(given), { name: 'state' }),
  'FirewallMarks.open': method((given) => FirewallMarks.open(given), {
    options: { netns: '/run/netns/a', table: 'ipvs', timeoutMs: 1, signal },
  }),
  add: method((...given) => marks.add(...(given as [never, never])), { rule, options }),
  'add of several': method((given) => marks.add(given), { rules: [rule] }),
  remove: method((...given) => marks.remove(...(given as [never, never])), { rule, options }),
  replace: method((...given) => marks.replace(...(given as [never, never])), { rules: [rule], options }),
  list: method((given) => marks.list(given), { options }),
  findMarks: method((given) => marks.findMarks(given), { options }),
  allocateMark: method((given) => marks.allocateMark(given), { options: { from: 1, to: 99, signal } }),
  export: method((given) => marks.export(given), { options }),
  'flush of marks': method((given) => marks.flush(given), { options }),
  'addNat, masquerade': method((...given) => marks.addNat(...(given as [never, never])), { rule: masquerade, options }),
  'addNat, redirect': method((given) => marks.addNat(given), { rule: redirect }),
  removeNat: method((...given) => marks.removeNat(...(given as [never, never])), { rule: redirect, options }),
  replaceNat: method((...given) => marks.replaceNat(...(given as [never, never])), { rules: [masquerade], options }),
  listNat: method((given) => marks.listNat(given), { options }),
}

/** Where a value stands: `service.persistence.netmask`, `rules[0].ports[1]`. */
function* places(value: unknown, path: string): Generator<string> {
  yield path
  if (Array.isArray(value)) for (const [index, inner] of value.entries()) yield* places(inner, `${path}[${index}]`)
  else if (typeof value === 'object' && value !== null && value !== signal) {
    for (const [name, inner] of Object.entries(value)) yield* places(inner, `${path}.${name}`)
  }
}

// A copy of a value in which there is something else at one place.
function changed(value: unknown, path: string, place: string, instead: unknown): unknown {
  if (path === place) return instead
  if (!place.startsWith(path) || value === signal) return value
  if (Array.isArray(value)) return value.map((inner, index) => changed(inner, `${path}[${index}]`, place, instead))
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([name, inner]) => [name, changed(inner, `${path}.${name}`, place, instead)])
  return Object.fromEntries(fields) as unknown
}

async function outcome(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  return undefined
}

// What reached the native side.
const sent = () =>
  sessions.sessions.reduce((sum, { calls }) => sum + calls.length, 0) +
  tables.sessions.reduce((sum, { log }) => sum + log.length, 0) +
  FakeConnectionReader.all.length

// The attribute of an error names a field when it is the field, something within it (of `rules`, of a single `rule`), or
// what it is a part of.
const names = (attribute: string | undefined, place: string): boolean =>
  attribute !== undefined && (attribute.startsWith(place.replace(/s$/, '')) || place.startsWith(attribute))

const iterables = ['a map', 'a set', 'a boxed text', 'bytes', 'an array', 'an array of arrays', 'a sparse array']

/** What is no nonsense, by the end of the place. */
const meaningful: readonly (readonly [RegExp, readonly string[]])[] = [
  [/(protocol(\[0\])?|mark|mask|from|to|scheduler|persistenceEngine)$/, ['80 as text']],
  [/comment$/, ['80 as text', 'the empty text', 'white space']],
  [/interface$/, ['80 as text']],
  [/daemon\.interface$/, ['text that drives a terminal']], // the kernel lets interfaces be called so
  [/netns$/, ['80 as text', 'white space', 'text that drives a terminal']], // paths of files
  [/[pP]orts$/, ['an array']],
  [/(counter|onePacket|consistent|stopOnError|origin|templates)$/, ['true']],
  [/onProgress$/, ['a function']],
  [/^(operations|services|destinations)$/, [...iterables, 'an array with a revoked proxy']], // items are refused one by one
  [
    /^patch\.(schedulerFlags|persistence(\.netmask)?|persistenceEngine|lowerThreshold|upperThreshold|tunnel)$/,
    ['null'],
  ],
]
const isMeaningful = (place: string, which: string): boolean =>
  meaningful.some(([where, values]) => where.test(place) && values.includes(which))

// Nothing that a terminal or a log could take for something else, and no more than a screen.
const isReadable = ({ message }: IpvsError): boolean => /^[\x20-\x7e]{1,600}$/.test(message)

async function problemOf(entry: Entry, place: string, which: string): Promise<string> {
  const value = hostileValues[which]?.()
  const given = Object.entries(entry.parameters).map(([name, sample]) => changed(sample, name, place, value))
  const before = sent()
  const error = await outcome(() => entry.call(...(given as never[])))
  if (error !== undefined && !(error instanceof IpvsError)) return `raw: ${inspect(error)}`
  if (error !== undefined && !isReadable(error)) return `unreadable: ${error.message.slice(0, 200)}`
  if (isMeaningful(place, which)) return ''
  if (error?.code !== 'ERR_IPVS_INVALID_ARGUMENT') return 'accepted'
  if (!names(error.attribute, place)) return `named ${error.attribute}: ${error.message}`
  return sent() === before ? '' : 'something was sent'
}

test.each(Object.keys(entries))('%s is right as it is', async (name) => {
  const { call, parameters } = entries[name] as Entry
  const error = await outcome(() => call(...(Object.values(parameters) as never[])))
  expect(error).not.toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT' })
})

test.each(Object.keys(hostileValues))('no table has a row at %s', (which) => {
  const index = hostileValues[which]?.() as number
  expect(table.at(index)).toBeUndefined()
  expect(new LazyTable(9, (number) => ({ number })).at(typeof index === 'number' ? index - 100 : index)).toBeUndefined()
})

describe('hostile', () => {
  test.each(Object.keys(entries))('%s', async (name) => {
    const entry = entries[name] as Entry
    const problems: string[] = []
    for (const [parameter, sample] of Object.entries(entry.parameters)) {
      for (const place of places(sample, parameter)) {
        for (const which of Object.keys(hostileValues)) {
          const problem = await problemOf(entry, place, which)
          if (problem !== '') problems.push(`${place} = ${which}: ${problem}`)
        }
      }
    }
    expect(problems).toEqual([])
  })
})
