// Sorts listings in ipvsadm's order, with its arithmetic.
import type { ListedDestination, ListedService, ServiceSnapshot } from 'ipvs'

const protocolNumbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 }

// All other protocols are listed by number.
const protocolNumber = (name = '0'): number => protocolNumbers[name] ?? Number(name)

// 32-bit differences that overflow, so distant addresses are in an unexpected order.
const difference = (left: number, right: number): number => (left - right) | 0

function words(address: string): number[] {
  if (!address.includes(':')) {
    return [address.split('.').reduce((value, part) => value * 256 + Number(part), 0), 0, 0, 0]
  }
  const [head = '', tail] = address.replace(/[^:]*\.[^:]*$/, ipv4Tail).split('::')
  const [left, right] = [groups(head), groups(tail)]
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right]
  return [0, 2, 4, 6].map((at) => (all[at] as number) * 65536 + (all[at + 1] as number))
}

function groups(text: string | undefined): number[] {
  return text ? text.split(':').map((group) => Number.parseInt(group, 16)) : []
}

function ipv4Tail(text: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number)
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

function compareAddresses(left: string, right: string): number {
  const [ours, theirs] = [words(left), words(right)]
  const count = left.includes(':') ? 4 : 1
  for (let index = 0; index < count; index++) {
    const order = difference(ours[index] as number, theirs[index] as number)
    if (order !== 0) return order
  }
  return 0
}

function compareServices(left: ListedService, right: ListedService): number {
  const order =
    difference(left.fwmark ?? 0, right.fwmark ?? 0) ||
    Number(left.family === 'ipv6') - Number(right.family === 'ipv6') ||
    protocolNumber(left.protocol) - protocolNumber(right.protocol)
  if (order !== 0 || left.fwmark !== undefined || right.fwmark !== undefined) return order
  return compareAddresses(left.address, right.address) || left.port - right.port
}

function compareDestinations(left: ListedDestination, right: ListedDestination): number {
  return compareAddresses(left.address, right.address) || left.port - right.port
}

// With overflowing differences the result depends on the algorithm: merge sort, as in glibc.
function mergeSort<Item>(items: readonly Item[], compare: (left: Item, right: Item) => number): Item[] {
  if (items.length < 2) return [...items]
  const half = items.length >> 1
  const left = mergeSort(items.slice(0, half), compare)
  const right = mergeSort(items.slice(half), compare)
  const merged: Item[] = []
  let [at, other] = [0, 0]
  while (at < left.length && other < right.length) {
    const [one, two] = [left[at] as Item, right[other] as Item]
    if (compare(one, two) <= 0) {
      merged.push(one)
      at++
    } else {
      merged.push(two)
      other++
    }
  }
  return [...merged, ...left.slice(at), ...right.slice(other)]
}

/** Services in ipvsadm's order. */
export function sortServices(services: readonly ServiceSnapshot[]): ServiceSnapshot[] {
  return mergeSort(services, compareServices)
}

/** Destinations in ipvsadm's order. */
export function sortDestinations(destinations: readonly ListedDestination[]): ListedDestination[] {
  return mergeSort(destinations, compareDestinations)
}
