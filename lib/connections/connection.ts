// Connections as objects, decoded from rows of the connection table.
import { inspect } from 'node:util'
import { familyName, formatAddress } from '../values/address.ts'
import { binding, type ConnectionBlock } from '../binding/addon.ts'
import { numbersOf } from '../binding/numbers.ts'
import { layoutOfKinds, viewsOf, type Views } from '../binding/row-layout.ts'
import { connectionKinds, type ConnectionField } from './row.ts'

/**
 * State of a connection, spelled as by the kernel and `ipvsadm -Lnc`. TCP: NONE to SYNACK. UDP: UDP. SCTP: INIT1 to CLOSED,
 * NONE and ESTABLISHED. Templates: NONE, or ASSURED once connections use them (Linux 5.1). ERR!: invalid, and any state of a
 * protocol without states.
 */
export type ConnectionState =
  | 'NONE'
  | 'ESTABLISHED'
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'FIN_WAIT'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'LISTEN'
  | 'SYNACK'
  | 'UDP'
  | 'INIT1'
  | 'INIT'
  | 'C-SENT'
  | 'C-REPLIED'
  | 'C-WAIT'
  | 'COOKIE'
  | 'C-ECHOED'
  | 'S-SENT'
  | 'S-RECEIVED'
  | 'S-ACK-SENT'
  | 'REJECTED'
  | 'CLOSED'
  | 'ASSURED'
  | 'ERR!'
  | '?'
  | 'BUG!'

/** Protocol of a connection. `'ip'`: a template of a service with a mark. Other protocols: the number as text, e.g. `'50'`. */
export type ConnectionProtocol = 'tcp' | 'udp' | 'sctp' | 'icmp' | 'icmpv6' | 'ip' | `${number}`

/** One end of a connection. */
export interface ConnectionEndpoint {
  /** IP address; IPv6 in the canonical form of RFC 5952. */
  readonly address: string
  /** Port, 0 to 65535. */
  readonly port: number
}

/** Data of a persistence engine that identifies the client of a connection. */
export interface ConnectionEngine {
  /** Name of the engine, e.g. `sip`. */
  readonly name: string
  /** Data of the engine, e.g. the Call-ID. Invalid UTF-8 is replaced. */
  readonly data: string
}

/** An entry of the connection table: a connection or a persistence template. Like a line of `ipvsadm -Lnc`. */
export interface Connection {
  /** Protocol; `'ip'`: a template of a service with a mark. */
  readonly protocol: ConnectionProtocol
  /** The client. In a template: the address under the service's netmask, with port 0. */
  readonly client: ConnectionEndpoint
  /** Virtual address and port. Absent in templates of services with a mark. */
  readonly virtual?: ConnectionEndpoint | undefined
  /** The mark, in templates of services with a mark only: the kernel does not report the mark of connections. */
  readonly fwmark?: number | undefined
  /** The real server. Its address family may differ from the client's with forwarding `tunnel`. */
  readonly destination: ConnectionEndpoint
  /** State. */
  readonly state: ConnectionState
  /** Seconds until the entry expires; a packet restarts the timer. */
  readonly expiresSeconds: number
  /** True for a persistence template, which directs new connections of its client to its destination. */
  readonly template: boolean
  /** Data of the persistence engine. Never together with `origin`: they are in different kernel files. */
  readonly persistenceEngine?: ConnectionEngine | undefined
  /** Present if the filter has `origin`: `'synced'` if the connection came from another director, else `'local'`. */
  readonly origin?: 'local' | 'synced' | undefined
}

export const protocolNumbers: Readonly<Record<string, number>> = {
  tcp: 6,
  udp: 17,
  sctp: 132,
  icmp: 1,
  icmpv6: 58,
  ip: 0,
}
const protocolNames = new Map(
  Object.entries(protocolNumbers).map(([name, number]) => [number, name as ConnectionProtocol]),
)
const stateNames = binding.connectionStates as readonly ConnectionState[]

/** Names of all states; the index is the number of the state. */
export function connectionStates(): readonly ConnectionState[] {
  return stateNames
}

const kinds = numbersOf('connectionKinds', ['connection', 'markPersistence'])
const origins = numbersOf('connectionOrigins', ['local', 'synced'])

/** The layout of rows in a block. */
const layout = layoutOfKinds(binding.schema, 'connection', connectionKinds)
export const CONNECTION_BYTES: number = layout.size

const at = (field: ConnectionField): number => layout.at[field].offset
const AT = {
  client: at('client'),
  virtual: at('virtualAddress'),
  destination: at('destination'),
  expires: at('expires') >>> 2,
  clientPort: at('clientPort') >>> 1,
  virtualPort: at('virtualPort') >>> 1,
  destinationPort: at('destinationPort') >>> 1,
  protocol: at('protocol'),
  state: at('state'),
  family: at('family'),
  destinationFamily: at('destinationFamily'),
  kind: at('kind'),
  origin: at('origin'),
} as const

const decoder = new TextDecoder()

// For each row with an engine: u32 row, u32 length, "name data", padding to four bytes.
function enginesOf(buffer: ArrayBuffer | undefined): Map<number, ConnectionEngine> | undefined {
  if (buffer === undefined || buffer.byteLength === 0) return undefined
  const words = new Uint32Array(buffer)
  const engines = new Map<number, ConnectionEngine>()
  for (let word = 0; word < words.length;) {
    const [row, length] = [words[word] as number, words[word + 1] as number]
    const text = decoder.decode(new Uint8Array(buffer, (word + 2) * 4, length))
    const space = text.indexOf(' ')
    engines.set(row, { name: text.slice(0, space), data: text.slice(space + 1) })
    word += 2 + Math.ceil(length / 4)
  }
  return engines
}

/** A block of rows with typed views of it. */
export class ConnectionRows {
  readonly length: number
  readonly views: Views
  readonly #engines: ArrayBuffer | undefined
  #parsed: Map<number, ConnectionEngine> | undefined

  constructor({ rows, length, engines }: ConnectionBlock) {
    this.length = length
    this.views = viewsOf(rows)
    this.#engines = engines
  }

  engine(index: number): ConnectionEngine | undefined {
    if (this.#engines === undefined) return undefined
    return (this.#parsed ??= enginesOf(this.#engines))?.get(index)
  }

  /** The row at `index`; its properties are decoded on access. */
  at(index: number): LazyConnection {
    return new LazyConnection(this, index)
  }
}

/** Decodes a property from its row on each access. */
export class LazyConnection implements Connection {
  readonly #rows: ConnectionRows
  readonly #index: number
  readonly #row: number

  constructor(rows: ConnectionRows, index: number) {
    this.#rows = rows
    this.#index = index
    this.#row = index * CONNECTION_BYTES
  }

  get protocol(): ConnectionProtocol {
    const number = this.#byte(AT.protocol)
    return protocolNames.get(number) ?? `${number}`
  }

  get client(): ConnectionEndpoint {
    return { address: this.#address(AT.client, AT.family), port: this.#port(AT.clientPort) }
  }

  get virtual(): ConnectionEndpoint | undefined {
    if (this.#byte(AT.kind) === kinds.markPersistence) return undefined
    return { address: this.#address(AT.virtual, AT.family), port: this.#port(AT.virtualPort) }
  }

  get fwmark(): number | undefined {
    if (this.#byte(AT.kind) !== kinds.markPersistence) return undefined
    const start = this.#row + AT.virtual
    return this.#rows.views.bytes.subarray(start, start + 4).reduce((mark, byte) => mark * 256 + byte, 0)
  }

  get destination(): ConnectionEndpoint {
    const address = this.#address(AT.destination, AT.destinationFamily)
    return { address, port: this.#port(AT.destinationPort) }
  }

  get state(): ConnectionState {
    return stateNames[this.#byte(AT.state)] as ConnectionState
  }

  get expiresSeconds(): number {
    return this.#rows.views.u32[(this.#row >>> 2) + AT.expires] as number
  }

  get template(): boolean {
    return this.#byte(AT.kind) !== kinds.connection
  }

  get persistenceEngine(): ConnectionEngine | undefined {
    return this.#rows.engine(this.#index)
  }

  get origin(): 'local' | 'synced' | undefined {
    const origin = this.#byte(AT.origin)
    if (origin === origins.local) return 'local'
    return origin === origins.synced ? 'synced' : undefined
  }

  /** A plain object with all present properties. */
  toJSON(): Connection {
    const { virtual, fwmark, persistenceEngine, origin } = this
    return {
      protocol: this.protocol,
      client: this.client,
      ...(virtual && { virtual }),
      ...(fwmark !== undefined && { fwmark }),
      destination: this.destination,
      state: this.state,
      expiresSeconds: this.expiresSeconds,
      template: this.template,
      ...(persistenceEngine && { persistenceEngine }),
      ...(origin && { origin }),
    }
  }

  static {
    Object.defineProperty(LazyConnection.prototype, inspect.custom, {
      value(this: LazyConnection): Connection {
        return this.toJSON()
      },
    })
  }

  #byte(offset: number): number {
    return this.#rows.views.bytes[this.#row + offset] as number
  }

  #port(offset: number): number {
    return this.#rows.views.u16[(this.#row >>> 1) + offset] as number
  }

  #address(offset: number, family: number): string {
    const start = this.#row + offset
    return formatAddress(this.#rows.views.bytes.subarray(start, start + 16), familyName(this.#byte(family)))
  }
}
