// Rules as arguments of `ipvs marks add`: rules to text, and ports from text.
import type { MarkPort, MarkRule, NatRule, RulePlace } from 'ipvs'

type Ports = MarkRule['ports']

/** Ports as on a command line: `80,443,10000-20000`, or `all`. */
export function portsText(ports: Ports = 'all'): string {
  return [ports].flat().join(',')
}

/** Reads the text of `portsText`; `undefined` for `undefined`. Invalid ports are kept: the API refuses them with a reason. */
export function portsOf(list: string | undefined): Ports {
  if (list === undefined || list === 'all') return list
  return list.split(',').map((each) => (/^\d+$/.test(each) ? Number(each) : (each as MarkPort)))
}

/** A mask in hexadecimal, which shows the bits. */
export function maskText(mask: number | string): string {
  return typeof mask === 'number' ? `0x${mask.toString(16)}` : mask
}

function quoted(word: string): string {
  return /^[\w./:,@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

type OptionValues = Readonly<Record<string, string | number | boolean | undefined>>

function optionWords(options: OptionValues): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || value === false) return []
    return value === true ? [`--${name}`] : [`--${name}`, quoted(String(value))]
  })
}

/** The arguments of `ipvs marks add` that add this rule. */
export function markRuleText({ mark, address, protocol, ports, mask, ...rest }: MarkRule): string {
  const { source, interface: name, counter, comment } = rest
  const shown = mask === undefined ? undefined : maskText(mask)
  const options = { mask: shown, source, interface: name, counter, comment }
  return [String(mark), address, protocol, portsText(ports), ...optionWords(options)].join(' ')
}

/** The arguments of `ipvs marks nat add` that add this rule. */
export function natRuleText(rule: NatRule): string {
  const { action, protocol, address, source, counter, comment } = rule
  if (action === 'masquerade') {
    const options = { to: address, counter, comment }
    return [action, source, protocol, portsText(rule.sourcePorts), ...optionWords(options)].join(' ')
  }
  const options = { 'to-port': rule.toPort, source, interface: rule.interface, counter, comment }
  return [action, address, protocol, portsText(rule.ports), ...optionWords(options)].join(' ')
}

/** The place of another program's rule: `table inet filter, chain input, rule 5`. */
export function placeText({ family, table, chain, handle }: RulePlace): string {
  const rule = handle === undefined ? 'its policy' : `rule ${handle}`
  return `table ${family} ${table}, chain ${chain}, ${rule}`
}
