// Rules as people type them: the words of `ipvs marks add`, in both directions.
import type { MarkPort, MarkRule, NatRule, RulePlace } from 'ipvs'

type Ports = MarkRule['ports']

/** As they are typed: `80,443,10000-20000`, or `all`. */
export function portsText(ports: Ports = 'all'): string {
  return [ports].flat().join(',')
}

/** Reads what `portsText` writes; nothing stays nothing. What cannot be is refused later, with reasons. */
export function portsOf(list: string | undefined): Ports {
  if (list === undefined || list === 'all') return list
  return list.split(',').map((each) => (/^\d+$/.test(each) ? Number(each) : (each as MarkPort)))
}

/** Masks are hexadecimal: one sees the bits. */
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

/** The words after `ipvs marks add` that make this rule. */
export function markWords({ mark, address, protocol, ports, mask, ...rest }: MarkRule): string {
  const { source, interface: name, counter, comment } = rest
  const shown = mask === undefined ? undefined : maskText(mask)
  const options = { mask: shown, source, interface: name, counter, comment }
  return [String(mark), address, protocol, portsText(ports), ...optionWords(options)].join(' ')
}

/** The words after `ipvs marks nat add` that make this rule. */
export function natWords(rule: NatRule): string {
  const { action, protocol, address, source, counter, comment } = rule
  if (action === 'masquerade') {
    const options = { to: address, counter, comment }
    return [action, source, protocol, portsText(rule.sourcePorts), ...optionWords(options)].join(' ')
  }
  const options = { 'to-port': rule.toPort, source, interface: rule.interface, counter, comment }
  return [action, address, protocol, portsText(rule.ports), ...optionWords(options)].join(' ')
}

/** Where somebody else's rule stands: `table inet filter, chain input, rule 5`. */
export function placeText({ family, table, chain, handle }: RulePlace): string {
  const rule = handle === undefined ? 'its policy' : `rule ${handle}`
  return `table ${family} ${table}, chain ${chain}, ${rule}`
}
