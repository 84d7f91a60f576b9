// Items of batches, and the two ways to make rows of them.
import { BatchBlock } from '../../lib/batch/block.ts'
import { prepareItem } from '../../lib/batch/operation.ts'
import { Recorder } from './recorder.ts'

// V8 writes these as plain objects.
export class Getters {
  get timeoutSeconds(): number {
    return 10
  }
  get weight(): number {
    return 3
  }
}

export const instance = (fields: object): object => Object.setPrototypeOf({ ...fields }, Getters.prototype) as object

export const most = 64 // items of a block

/** By native code alone: the rows of each item, or undefined where it was left alone. */
export function packed(items: readonly unknown[]): (string | undefined)[] {
  const recorder = new Recorder()
  const block = new BatchBlock<unknown>(recorder, most)
  const all = block.pack([...items], 0) === 0
  const taken = Array.from(items, (item, index) => all || block.keep(index, index, item))
  void block.send(recorder, recorder.batchCall())
  const rows = recorder.rows.values()
  return taken.map((is) => (is ? rows.next().value : undefined))
}

/** One by one: the rows, or in what way it is wrong. */
export function lookedAt(item: unknown): string {
  const recorder = new Recorder()
  const block = new BatchBlock<unknown>(recorder, most)
  try {
    const prepared = prepareItem({ operation: 'batch', target: '' }, item)
    block.add('write' in prepared ? prepared.write() : prepared, 0, item)
  } catch (error) {
    return String(error)
  }
  void block.send(recorder, recorder.batchCall())
  return recorder.rows[0] as string
}

export const vip = { protocol: 'tcp', address: '172.16.0.100', port: 80 }
const vip6 = { protocol: 'udp', address: '2001:db8::1', port: 53 }
export const server = { address: '10.0.0.7', port: 8080, forwarding: 'masquerade' }
const statistics = { connections: 5n, inBytes: 2n ** 63n }
const listedServer = { ...server, weight: 3, upperThreshold: 0, lowerThreshold: 0, activeConnections: 1, statistics }
const settings = { scheduler: 'wlc', schedulerFlags: [], onePacket: false, statistics }
const double = Float64Array.of(80)[0] // V8 keeps it as it is

export const plain: Readonly<Record<string, Record<string, unknown>>> = {
  'a mark': { operation: 'addService', service: { fwmark: 7 } },
  'the largest mark': { operation: 'addService', service: { fwmark: 0xffffffff, family: 'ipv6', scheduler: 'mh' } },
  'an address': { operation: 'addService', service: { ...vip, scheduler: 'rr' } },
  'an IPv6 address': { operation: 'addService', service: { ...vip6, family: 'ipv6', scheduler: 'any-module_1' } },
  sctp: { operation: 'addService', service: { ...vip, protocol: 'sctp' } },
  'undefined fields': { operation: 'addService', service: { ...vip, fwmark: undefined, persistence: undefined } },
  'a listed service': { operation: 'addService', service: { ...vip, family: 'ipv4', ...settings } },
  'a persistent service': { operation: 'addService', service: { ...vip, persistence: {} } },
  'all ports': { operation: 'addService', service: { ...vip, port: 0, persistence: { timeoutSeconds: 4294967 } } },
  'a netmask': { operation: 'addService', service: { fwmark: 1, persistence: { netmask: '255.255.254.0' } } },
  'a netmask with gaps': { operation: 'addService', service: { fwmark: 1, persistence: { netmask: '0.0.255.1' } } },
  'no netmask': { operation: 'addService', service: { fwmark: 1, persistence: { timeoutSeconds: 0, netmask: 0 } } },
  'a netmask by its length': { operation: 'addService', service: { fwmark: 1, persistence: { netmask: 17 } } },
  'a netmask of IPv6': {
    operation: 'addService',
    service: { ...vip6, persistence: { timeoutSeconds: 1, netmask: 64 } },
  },
  'all ports without persistence': { operation: 'addService', service: { ...vip, port: 0 } },
  'a service of a snapshot': {
    operation: 'addService',
    service: { ...vip, scheduler: 'rr', destinations: [server], statistics },
  },
  'a removal': { operation: 'removeService', service: vip },
  'port 0 as a key': { operation: 'removeService', service: { ...vip, port: 0 } },
  'settings beside a key': {
    operation: 'removeService',
    service: { fwmark: 3, persistence: { timeoutSeconds: 10 }, schedulerFlags: ['flag-1'] },
  },
  'a snapshot beside a key': { operation: 'removeService', service: { ...vip, destinations: [server, listedServer] } },
  'a destination': { operation: 'addDestination', service: vip, destination: server },
  'its defaults': { operation: 'addDestination', service: vip, destination: { address: '10.0.0.8' } },
  'all its settings': {
    operation: 'addDestination',
    service: vip,
    destination: { ...server, weight: 0, upperThreshold: 9, lowerThreshold: 9 },
  },
  'of a mark': {
    operation: 'addDestination',
    service: { fwmark: 1 },
    destination: { address: '10.0.0.8', forwarding: 'tunnel' },
  },
  'a port that stays as it is': {
    operation: 'addDestination',
    service: { fwmark: 1 },
    destination: { address: '10.0.0.8', port: 80, forwarding: 'direct' },
  },
  'of the other family': {
    operation: 'addDestination',
    service: vip,
    destination: { address: 'fd00::1', forwarding: 'tunnel' },
  },
  'a listed destination': { operation: 'addDestination', service: vip, destination: listedServer },
  'a removal of a destination': { operation: 'removeDestination', service: vip, destination: listedServer },
  'a patch': { operation: 'updateDestination', service: vip, destination: server, patch: { weight: 0 } },
  'a patch of forwarding': {
    operation: 'updateDestination',
    service: vip,
    destination: server,
    patch: { forwarding: 'masquerade', upperThreshold: 7 },
  },
  'a patch to a tunnel': {
    operation: 'updateDestination',
    service: vip,
    destination: { address: '10.0.0.8' },
    patch: { forwarding: 'tunnel', lowerThreshold: 3 },
  },
  'a patch of nothing': { operation: 'updateDestination', service: vip, destination: server, patch: {} },
  'fields in another order': {
    destination: server,
    service: { port: 80, address: '172.16.0.100', protocol: 'tcp' },
    operation: 'addDestination',
  },
  'an integer that is a double': { operation: 'addService', service: { ...vip, port: double } },
}
