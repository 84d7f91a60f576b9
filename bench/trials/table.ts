// The table of all trials, the same as in ../limit/table.c.
import type { Destination, Service, ServiceKey } from 'ipvs'

export interface Table {
  readonly keys: 'tcp' | 'mark'
  readonly services: number
  /** Per service. */
  readonly destinations: number
  readonly scheduler: string
}

/** The IPv4 address `first` + `index`. */
export function addressAt(first: number, index: number): string {
  const value = first + index
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.')
}

export function serviceKey(table: Table, service: number): ServiceKey {
  if (table.keys === 'mark') return { fwmark: service + 1 }
  const address = addressAt(0x0a400000 /* 10.64.0.0 */, Math.floor(service / 10))
  return { protocol: 'tcp', address, port: 80 + (service % 10) }
}

export function serviceAt(table: Table, service: number): Service {
  return { ...serviceKey(table, service), scheduler: table.scheduler }
}

export function destinationAt(table: Table, service: number, destination: number): Destination {
  const address = addressAt(0x0a800000 /* 10.128.0.0 */, service * table.destinations + destination)
  return { address, port: 8080, forwarding: 'masquerade', weight: 1 }
}
