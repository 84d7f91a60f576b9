// Connections as objects: what rows of the connection table say, in the words of the kernel's listing.
import { inspect } from 'node:util'
import { familyName, formatAddress } from '../values/address.ts'
import { binding, type ConnectionBlock } from '../binding/addon.ts'
import { numbersOf } from '../binding/numbers.ts'
import { layoutOfKinds, viewsOf, type Views } from '../binding/row-layout.ts'
import { connectionKinds, type ConnectionField } from './row.ts'

/**
 * State of a connection, as the kernel and `ipvsadm -Lnc` spell it. TCP: NONE to SYNACK. UDP: UDP. SCTP: INIT1 to CLOSED, NONE
 * and ESTABLISHED. Templates: NONE, or ASSURED when connections have used them (Linux 5.1). ERR! is also what the kernel says
 * of protocols without states.
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

/** Protocol of a connection; `'ip'` for templates of marks; other protocols by their number as text, e.g. `'50'`. */
export type ConnectionProtocol = 'tcp' | 'udp' | 'sctp' | 'icmp' | 'icmpv6' | 'ip' | `${number}`

/** One end of a connection. */
export interface ConnectionEndpoint {
  /** IP address; IPv6 as RFC 5952 wants it. */
  readonly address: string
  /** Port. */
  readonly port: number
}

/** What a persistence engine knows a connection by. */
export interface ConnectionEngine {
  /** The engine, e.g. `sip`. */
  readonly name: string
  /** Its data, for example the Call-ID. Bytes that are no UTF-8 are replaced. */
  readonly data: string
}

/** An entry of the connection table. Like a line of `ipvsadm -Lnc`. */
export interface Connection {
  /** Protocol; `'ip'`: a template of a mark's service. */
  readonly protocol: ConnectionProtocol
  /** Who connected. Of a template: port 0, and the address without what the service's netmask leaves out. */
  readonly client: ConnectionEndpoint
  /** What the client connected to. Templates of marks have none. */
  readonly virtual?: ConnectionEndpoint | undefined
  /** The mark, of templates of a mark's service only; the kernel does not tell the mark of other connections. */
  readonly fwmark?: number | undefined
  /** The real server. Can be of another address family than the client, behind a tunnel. */
  readonly destination: ConnectionEndpoint
  /** State, in the kernel's spelling. */
  readonly state: ConnectionState
  /** Seconds until it is forgotten, unless a packet comes. */
  readonly expiresSeconds: number
  /** True: a persistence template, which sends new connections of its client to its destination. */
  readonly template: boolean
  /** Present with a persistence engine's data; never with `origin`, since the kernel shows one or the other. */
  readonly persistenceEngine?: ConnectionEngine | undefined
  /** Present when the filter has `origin`: whether another director told us (`synced`). */
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

/** All names of states, by their numbers. */
export function connectionStates(): readonly ConnectionState[] {
  return stateNames
}

const kinds = numbersOf('connectionKinds', ['connection', 'markPersistence'])
const origins = numbersOf('connectionOrigins', ['local', 'synced'])

/** How rows lie in a block. */
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

// u32 row, u32 length, text, padding to four bytes; for each row that has an engine.
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

  /** A row that is decoded when it is looked at. */
  at(index: number): LazyConnection {
    return new LazyConnection(this, index)
  }
}

/** Reads its row whenever a property is asked for. */
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

  /** A plain object with all properties that have a value. */
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
