// Traces: evaluation of the ruleset for hypothetical packets.
import { familyNumber, parseAddress, type Address, type Family } from '../values/address.ts'
import { binding } from '../binding/addon.ts'
import type { FoundRows } from '../binding/replies.ts'
import { numbersOf } from '../binding/numbers.ts'
import { families, type TableFamily } from './foreign-mark.ts'
import { RowWriter } from '../binding/row-writer.ts'
import { RowReader } from '../binding/row-reader.ts'
import { parseProtocol, type Protocol } from '../values/protocol.ts'
import { InvalidInput, integer, list, oneOf, readFields } from '../values/validate.ts'

const paths = numbersOf('tracePaths', ['arriving', 'through', 'sent', 'leaving'])
// NF_CT_STATE
const states = { invalid: 1, established: 2, new: 8, untracked: 64 } as const
// NF_INET_*
const hooks = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const
const outcomes = numbersOf('traceOutcomes', ['accepted', 'dropped'])
const MOST_PACKETS = 100_000

/** A hypothetical packet for {@link FirewallMarks.trace}. An absent property may have any value. */
export interface TracePacket {
  /**
   * Hooks that the packet passes. `'arriving'`: prerouting and input, up to IPVS, like packets of clients. `'through'`:
   * prerouting and forward, up to IPVS, like replies of real servers with forwarding `masquerade`. `'sent'`: output, like
   * packets that IPVS sends to real servers. `'leaving'`: postrouting; address translation there makes the outcome
   * `'unknown'`. Default `'arriving'`.
   */
  readonly path?: 'arriving' | 'through' | 'sent' | 'leaving' | undefined
  /** Protocol name, or number (IPPROTO_*) from 0 to 255. */
  readonly protocol: Protocol | number
  /** Source address, IPv4 or IPv6. `source` or `destination` is required. */
  readonly source?: string | undefined
  /** Destination address, IPv4 or IPv6. Required with path `'arriving'`. */
  readonly destination?: string | undefined
  /** Source port, 0 to 65535. */
  readonly sourcePort?: number | undefined
  /** Destination port, 0 to 65535. */
  readonly destinationPort?: number | undefined
  /** Firewall mark before the first rule, 0 to 4294967295. Default 0. */
  readonly mark?: number | undefined
  /** State of connection tracking, like `ct state` of nft. Default `'new'`. */
  readonly state?: 'new' | 'established' | 'invalid' | 'untracked' | undefined
}

/** A rule of nf_tables. */
export interface RulePlace {
  /** Family of the table. */
  readonly family: TableFamily
  /** Name of the table. */
  readonly table: string
  /** Name of the chain. */
  readonly chain: string
  /** Handle of the rule, as `nft -a list ruleset` shows it. Absent: the policy of the chain. */
  readonly handle?: bigint
  /** Position of the rule in its chain, from 1. */
  readonly position?: number
}

/** The rule or policy that drops a packet. */
export interface DroppedBy extends RulePlace {
  /** Hook of the base chain. */
  readonly hook: (typeof hooks)[number]
  /** The base chain through which the packet reached `chain`; may be the same chain. */
  readonly base: string
  /** True if the table has an owner, like firewalld's: the kernel refuses changes by other processes. */
  readonly owned: boolean
}

/** Result of the evaluation for one packet. */
export interface Trace {
  /** `'unknown'`: the result depends on data of a real packet (interface, sender, a limit) or on an unsupported expression. */
  readonly outcome: 'accepted' | 'dropped' | 'unknown'
  /** The rule or policy that drops the packet. Present only if `outcome` is `'dropped'`. */
  readonly droppedBy?: DroppedBy
  /** Routing decision by destination and mark. Absent if the packet does not arrive at the routing decision. */
  readonly route?: 'local' | 'elsewhere'
  /** Firewall mark after the last rule. Absent if it depends on data of a real packet. */
  readonly mark?: number
  /** The last rule that changed the mark. Absent: no rule changed it. */
  readonly markedBy?: RulePlace
  /** The mark before that change. Absent if it depends on data of a real packet, or if no rule changed it. */
  readonly formerMark?: number
  /** A rule that tests for the packet's final mark before a later rule sets it. */
  readonly askedBy?: RulePlace
}

const names = ['path', 'protocol', 'source', 'destination', 'sourcePort', 'destinationPort', 'mark', 'state'] as const

interface PacketRow {
  readonly mark: number
  readonly source?: Uint8Array | number | undefined
  readonly destination?: Uint8Array | number | undefined
  readonly sourcePort?: number | undefined
  readonly destinationPort?: number | undefined
  readonly family: number
  readonly protocol: number
  readonly path: number
  readonly state: number
}

function familyOf(source: Address | undefined, destination: Address | undefined, path: string): Family {
  const family = (destination ?? source)?.family
  if (family === undefined) throw new InvalidInput(path, 'a packet needs a source or a destination')
  if (source !== undefined && source.family !== family) {
    throw new InvalidInput(`${path}.source`, 'source and destination are not of the same family')
  }
  return family
}

const port = (number: unknown, path: string): number => integer(number, path, 0, 65535)

function parsePacket(value: unknown, path: string): PacketRow {
  const given = readFields(value, path, names)
  const optional = <Result>(field: (typeof names)[number], parse: (value: unknown, path: string) => Result) =>
    given[field] === undefined ? undefined : parse(given[field], `${path}.${field}`)
  const way = oneOf(given.path ?? 'arriving', `${path}.path`, Object.keys(paths) as (keyof typeof paths)[])
  const state = oneOf(given.state ?? 'new', `${path}.state`, Object.keys(states) as (keyof typeof states)[])
  const [source, destination] = [optional('source', parseAddress), optional('destination', parseAddress)]
  if (way === 'arriving' && destination === undefined) {
    throw new InvalidInput(`${path}.destination`, 'a packet that arrives needs a destination')
  }
  const { protocol } = given
  return {
    mark: optional('mark', (mark, at) => integer(mark, at, 0, 0xffffffff)) ?? 0,
    source: source?.value,
    destination: destination?.value,
    sourcePort: optional('sourcePort', port),
    destinationPort: optional('destinationPort', port),
    family: familyNumber(familyOf(source, destination, path)),
    protocol:
      typeof protocol === 'number'
        ? integer(protocol, `${path}.protocol`, 0, 255)
        : parseProtocol(protocol, `${path}.protocol`)[1],
    path: paths[way],
    state: states[state],
  }
}

const writer = new RowWriter<PacketRow>(binding.schema, 'tracedPacket')

/** Rows of the record `tracedPacket`. */
export function writePackets(value: unknown): ArrayBuffer {
  const block = writer.block()
  for (const [index, packet] of list(value, 'packets', MOST_PACKETS).entries()) {
    block.append(parsePacket(packet, `packets[${index}]`))
  }
  return block.toBuffer()
}

interface TraceRow {
  readonly mark: number
  readonly formerMark: number
  readonly position: number
  readonly markPosition: number
  readonly tableFlags: number
  readonly handle: bigint
  readonly markHandle: bigint
  readonly askedHandle: bigint
  readonly outcome: number
  readonly hook: number
  readonly route: number
  readonly markKnown: number
  readonly formerKnown: number
  readonly family: number
  readonly markFamily: number
  readonly askedFamily: number
  readonly table: string
  readonly base: string
  readonly chain: string
  readonly markTable: string
  readonly markChain: string
  readonly askedTable: string
  readonly askedChain: string
}

const OWNED = 2 // NFT_TABLE_F_OWNER
const LOCAL = 2 // RTN_LOCAL

function placeOf(family: number, table: string, chain: string, handle: bigint, position?: number): RulePlace {
  return {
    family: families[family] ?? 'inet',
    table,
    chain,
    ...(handle !== 0n && { handle }),
    ...(position !== undefined && position !== 0 && { position }),
  }
}

function droppedBy(row: TraceRow): DroppedBy {
  return {
    ...placeOf(row.family, row.table, row.chain, row.handle, row.position),
    hook: hooks[row.hook] ?? 'input',
    base: row.base,
    owned: (row.tableFlags & OWNED) !== 0,
  }
}

function outcomeOf(number: number): Trace['outcome'] {
  if (number === outcomes.accepted) return 'accepted'
  return number === outcomes.dropped ? 'dropped' : 'unknown'
}

function traceOf(row: TraceRow): Trace {
  const outcome = outcomeOf(row.outcome)
  const { markFamily, markTable, markChain, markHandle, markPosition, askedFamily, askedTable, askedChain } = row
  return {
    outcome,
    ...(outcome === 'dropped' && { droppedBy: droppedBy(row) }),
    ...(row.route !== 0 && { route: row.route === LOCAL ? 'local' : 'elsewhere' }),
    ...(row.markKnown === 1 && { mark: row.mark }),
    ...(markFamily !== 0 && {
      markedBy: placeOf(markFamily, markTable, markChain, markHandle, markPosition),
      ...(row.formerKnown === 1 && { formerMark: row.formerMark }),
    }),
    ...(askedFamily !== 0 && { askedBy: placeOf(askedFamily, askedTable, askedChain, row.askedHandle) }),
  }
}

const reader = new RowReader<TraceRow>(binding.schema, 'trace')

export function readTraces({ rows }: FoundRows): Trace[] {
  const found = reader.rows(rows)
  return Array.from({ length: found.length }, (_, index) => traceOf(found.at(index)))
}
