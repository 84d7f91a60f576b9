// Whether packets keep the marks of their rules until they reach IPVS.
import type { ListedMarkRule, RulePlace } from 'ipvs'
import { placeText, portsText } from '../../state/rule-text.ts'
import { bits, leadsTo } from './configured.ts'
import type { Check, Facts } from './facts.ts'
import { bad, risk, type Finding } from './finding.ts'
import { groupBy } from './groups.ts'
import type { Probed } from './probes.ts'

interface Marked extends Probed {
  readonly rule: ListedMarkRule
}

const TABLE = 'ipvs'
const isOurs = (place: RulePlace | undefined): boolean => place?.family === 'inet' && place.table === TABLE

const describe = ({ address, protocol, ports }: ListedMarkRule): string => `${address} ${protocol} ${portsText(ports)}`
const gives = (rule: ListedMarkRule, mark: number | undefined): boolean =>
  mark !== undefined && bits(mark, rule.mask) === rule.mark

/** Packets that reach IPVS with a known mark, but not with the mark of their rule. */
function wrong({ probes = [], services }: Facts): Marked[] {
  return probes.flatMap((probe) => {
    const { rule, trace } = probe
    if (probe.kind !== 'client' || rule === undefined || trace.mark === undefined || gives(rule, trace.mark)) return []
    // A service for the resulting mark means that it is intended.
    const meant = { mark: trace.mark, address: rule.address } as ListedMarkRule
    return services.some((service) => leadsTo(meant, service)) ? [] : [{ ...probe, rule }]
  })
}

const asText = (mark: number | undefined): string => (mark === undefined ? 'an unknown value' : String(mark))

// A rule in front returns marked packets from the chain; later chains still run.
function passBy(place: RulePlace, mark: number): string {
  const { family, table, chain, handle, position } = place
  const programs: Readonly<Record<string, string>> = { ip: 'iptables-nft', ip6: 'ip6tables-nft' }
  const program = programs[family]
  if (program !== undefined && /^(mangle|raw)$/.test(table)) {
    return `${program} -t ${table} -I ${chain} ${position ?? 1} -m mark --mark ${mark} -j RETURN`
  }
  return `nft insert rule ${family} ${table} ${chain} position ${handle} meta mark ${mark} return`
}

function overwritten(probes: readonly [Marked, ...Marked[]]): Finding {
  const [{ rule, trace }] = probes
  const place = trace.markedBy as RulePlace
  const marks = [...new Set(probes.map(({ trace: { formerMark = 0 } }) => formerMark))]
  return bad('mark-overwritten', {
    what: `table inet ${TABLE} gives packets to ${describe(rule)} the mark ${asText(trace.formerMark)}, and then ${placeText(place)} changes it to ${asText(trace.mark)}`,
    why: 'packets reach IPVS with a mark that has no service',
    fix: marks.map((mark) => passBy(place, mark)),
  })
}

const isOverwritten = ({ rule, trace }: Marked): boolean =>
  trace.markedBy !== undefined && !isOurs(trace.markedBy) && gives(rule, trace.formerMark)

const overwrittenMarks: Check = (facts) => {
  const groups = groupBy(wrong(facts).filter(isOverwritten), ({ trace }) => placeText(trace.markedBy as RulePlace))
  return [...groups.values()].map(overwritten)
}

const askedTooEarly: Check = ({ probes = [] }) => {
  const early = probes.filter(({ kind, trace }) => kind === 'client' && trace.askedBy !== undefined)
  const groups = groupBy(early, ({ trace }) => placeText(trace.askedBy as RulePlace))
  return [...groups].map(([text, [first]]) =>
    risk('mark-asked-early', {
      what: `${text} matches the mark ${first.trace.mark}, but packets get it only later`,
      why: 'the rule never matches. Of chains with the same priority the newest runs first: create our table again',
      fix: [`ipvs marks export /run/ipvs-marks.nft`, `nft -f /run/ipvs-marks.nft`],
    }),
  )
}

export const markWayChecks: readonly Check[] = [overwrittenMarks, askedTooEarly]
