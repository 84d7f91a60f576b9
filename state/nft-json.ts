// The output of `nft -j list ruleset`.
import { IpvsError, type MarkPort, type MarkRule } from 'ipvs'
import { FoundRules, type PacketFilterRules, type RuleParts } from './found-rules.ts'

type Json = unknown
type JsonMap = Readonly<Record<string, Json>>

const isMap = (value: Json): value is JsonMap => typeof value === 'object' && value !== null && !Array.isArray(value)
const mapAt = (value: Json, key: string): JsonMap | undefined => {
  const found = isMap(value) ? value[key] : undefined
  return isMap(found) ? found : undefined
}

function invalid(text: string): never {
  throw new IpvsError('ERR_IPVS_INVALID_ARGUMENT', text, {
    operation: 'readPacketFilter',
    target: '',
    attribute: 'text',
  })
}

function parsed(text: string): readonly Json[] {
  let value: Json
  try {
    value = JSON.parse(text)
  } catch (error) {
    return invalid(`is no JSON: ${(error as Error).message}`)
  }
  const list = isMap(value) ? value['nftables'] : undefined
  return Array.isArray(list) ? list : invalid('is no output of "nft -j list ruleset"')
}

/** A number, an inclusive range, or a set of them. */
function portsOf(value: Json): readonly MarkPort[] | undefined {
  if (typeof value === 'number') return [value]
  if (!isMap(value)) return undefined
  const { range, set } = value
  if (Array.isArray(range)) return [`${range[0]}-${range[1]}`]
  if (!Array.isArray(set)) return undefined
  const ports = set.map(portsOf)
  return ports.every((each) => each !== undefined) ? ports.flat() : undefined
}

/** An address, a block, or a range. */
function blockOf(value: Json): string | undefined {
  if (typeof value === 'string') return value.startsWith('@') ? undefined : value
  const prefix = mapAt(value, 'prefix')
  if (prefix !== undefined) return `${String(prefix['addr'])}/${String(prefix['len'])}`
  const range = isMap(value) ? value['range'] : undefined
  return Array.isArray(range) ? `${range[0]}-${range[1]}` : undefined
}

const protocols = new Set(['tcp', 'udp', 'sctp'])

function payloadParts({ protocol, field }: JsonMap, right: Json): RuleParts | undefined {
  const isPort = field === 'dport' || field === 'sport'
  if (isPort) {
    const ports = portsOf(right)
    if (ports === undefined) return undefined
    const of = protocols.has(String(protocol)) ? { protocol: protocol as MarkRule['protocol'] } : {}
    return field === 'dport' ? { ports, ...of } : { sourcePorts: ports, ...of }
  }
  const block = protocol === 'ip' || protocol === 'ip6' ? blockOf(right) : undefined
  if (block === undefined) return undefined
  if (field === 'daddr') return { address: block }
  return field === 'saddr' ? { source: block } : undefined
}

function matchParts({ op, left, right }: JsonMap): RuleParts | undefined {
  if (op !== '==' && op !== 'in') return undefined
  const payload = mapAt(left, 'payload')
  if (payload !== undefined) return payloadParts(payload, right)
  const key = mapAt(left, 'meta')?.['key']
  if (typeof right !== 'string') return undefined
  if (key === 'l4proto' && protocols.has(right)) return { protocol: right as MarkRule['protocol'] }
  if (key === 'iifname' || key === 'iif') return { interface: right }
  return key === 'nfproto' ? {} : undefined
}

/** `7`, or `meta mark & 0xffffff00 | 7`. */
function markParts(value: Json): RuleParts | undefined {
  if (typeof value === 'number') return { action: 'mark', mark: value }
  const or = isMap(value) ? value['|'] : undefined
  if (!Array.isArray(or)) return undefined
  const [left, mark] = or as Json[]
  const and = isMap(left) ? left['&'] : undefined
  const kept = Array.isArray(and) ? (and as Json[])[1] : undefined
  if (typeof mark !== 'number' || typeof kept !== 'number') return undefined
  return { action: 'mark', mark, mask: (~kept | mark) >>> 0 } // nft keeps the bits that are set anyhow
}

function statementParts(statement: JsonMap): RuleParts | undefined {
  const [[kind, value]] = Object.entries(statement) as [[string, Json]]
  switch (kind) {
    case 'match':
      return isMap(value) ? matchParts(value) : undefined
    case 'counter':
      return {}
    case 'mangle':
      return isMap(value) && mapAt(value['key'], 'meta')?.['key'] === 'mark' ? markParts(value['value']) : undefined
    case 'masquerade':
      return value === null ? { action: 'masquerade' } : undefined
    case 'redirect': {
      const port = isMap(value) ? value['port'] : undefined
      return { action: 'redirect', ...(typeof port === 'number' ? { toPort: port } : {}) }
    }
    default:
      return undefined
  }
}

interface NftRule {
  readonly family: string
  readonly table: string
  readonly chain: string
  readonly expr: readonly JsonMap[]
  readonly comment?: string
}

const chainKey = ({ family, table }: { family: Json; table: Json }, name: Json): string =>
  `${String(family)} ${String(table)} ${String(name)}`

const hooks: Readonly<Record<NonNullable<RuleParts['action']>, readonly string[]>> = {
  mark: ['prerouting', 'input'],
  masquerade: ['postrouting'],
  redirect: ['prerouting'],
}

/** The hook that leads to each chain, for chains that every packet at this hook meets. */
function metChains(list: readonly Json[], rules: readonly NftRule[]): ReadonlyMap<string, string> {
  const met = new Map<string, string>()
  for (const entry of list) {
    const chain = mapAt(entry, 'chain')
    if (typeof chain?.['hook'] !== 'string') continue
    met.set(chainKey({ family: chain['family'], table: chain['table'] }, chain['name']), chain['hook'])
  }
  for (let size = 0; size !== met.size;) {
    size = met.size
    for (const rule of rules) {
      const [first, ...others] = rule.expr.filter((statement) => !('counter' in statement))
      const target = mapAt(first, 'jump')?.['target']
      const hook = met.get(chainKey(rule, rule.chain))
      if (others.length === 0 && hook !== undefined && target !== undefined) met.set(chainKey(rule, target), hook)
    }
  }
  return met
}

/** Of packets that IPVS sees as such; bridges and devices have chains with the same hooks. */
const families = new Set(['ip', 'ip6', 'inet'])

/** Statements that keep packets from the rules behind them. */
const verdicts = ['accept', 'drop', 'reject', 'return', 'goto', 'queue'] as const

export function readNftJson(text: string): PacketFilterRules {
  const list = parsed(text)
  const rules = list.map((entry) => mapAt(entry, 'rule') as NftRule | undefined)
  const known = rules.filter((rule) => rule !== undefined)
  const met = metChains(list, known)
  const found = new FoundRules()
  for (const [index, rule] of known.entries()) {
    if (!families.has(rule.family) || (rule.family === 'inet' && rule.table === 'ipvs')) continue
    readRule(rule, index + 1, met.get(chainKey(rule, rule.chain)), found)
  }
  return found.all
}

function readRule(
  { family, table, chain, expr, comment }: NftRule,
  line: number,
  hook: string | undefined,
  found: FoundRules,
): void {
  const all = expr.map(statementParts)
  const parts: RuleParts = Object.assign({}, ...all.filter((each) => each !== undefined)) as RuleParts
  const unread = expr.find((_, index) => all[index] === undefined)
  const sets = expr.some((statement) => 'mangle' in statement || 'masquerade' in statement || 'redirect' in statement)
  const where = `${family} ${table} ${chain}`
  const verdict = verdicts.find((name) => expr.some((statement) => name in statement))
  if (!sets && verdict !== undefined && hook !== undefined && hooks.mark.includes(hook)) {
    found.remark(line, `not taken over: ${where}: ${verdict}: it may keep packets from the rules behind it`)
  }
  if (!sets) return
  if (unread !== undefined)
    return found.remark(line, `not taken over: ${where}: ${JSON.stringify(unread)} has no equivalent`)
  const { action = 'mark' } = parts
  if (hook === undefined || !hooks[action].includes(hook)) {
    return found.remark(line, `not taken over: ${where}: only some packets meet this chain`)
  }
  const isV6 = family === 'ip6' || [parts.address, parts.source].some((block) => block?.includes(':') === true)
  found.add(line, { ...parts, ...(comment === undefined ? {} : { comment }) }, isV6 ? '::/0' : '0.0.0.0/0')
}
