// Changes as text for people.
import { isDeepStrictEqual } from 'node:util'
import type { Change, DaemonChange, DestinationChange, RuleChange, ServiceChange } from './change.ts'
import { markRuleText, natRuleText } from './rule-text.ts'

type Fields = Readonly<Record<string, unknown>>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function valueText(value: unknown): string {
  if (value === undefined) return 'none'
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',')
  if (!isFields(value)) return typeof value === 'string' ? value : JSON.stringify(value)
  const fields = Object.entries(value).map(([name, field]) => `${name} ${valueText(field)}`)
  return `{${fields.join(', ')}}`
}

/** The properties that differ: `weight 5 -> 50, persistence.timeoutSeconds 360 -> 3600`. */
export function differenceText(from: object, to: object, place = ''): string {
  const [before, after] = [from as Fields, to as Fields]
  const texts: string[] = []
  for (const name of Object.keys({ ...before, ...after })) {
    const [old, now] = [before[name], after[name]]
    if (isDeepStrictEqual(old, now)) continue
    if (isFields(old) && isFields(now)) texts.push(differenceText(old, now, `${place}${name}.`))
    else texts.push(`${place}${name} ${valueText(old)} -> ${valueText(now)}`)
  }
  return texts.join(', ')
}

function serviceLine(change: ServiceChange): string {
  switch (change.action) {
    case 'add':
      return `+ service ${change.key} ${change.service.scheduler}`
    case 'update':
      return `~ service ${change.key} ${differenceText(change.from, change.service)}`
    default:
      return `- service ${change.key}${change.destinations === 0 ? '' : ` with ${change.destinations} destinations`}`
  }
}

function destinationLine(change: DestinationChange): string {
  switch (change.action) {
    case 'add':
      return `+ ${change.key} ${change.destination.forwarding} weight ${change.destination.weight}`
    case 'update':
      return `~ ${change.key} ${differenceText(change.from, change.destination)}`
    default:
      return `- ${change.key}`
  }
}

function ruleLine<Rule>(name: string, change: RuleChange<'mark' | 'nat', Rule>, text: (rule: Rule) => string): string {
  if (change.action === 'update') return `~ ${name} ${change.from.map(text).join(' | ')} -> ${text(change.rule)}`
  return `${change.action === 'add' ? '+' : '-'} ${name} ${text(change.rule)}`
}

function daemonLine({ action, daemon }: DaemonChange): string {
  return action === 'add' ? `+ ${daemon.role} daemon on ${daemon.interface}` : `- ${daemon.role} daemon`
}

/** The line of one change: `~ mark:7 -> 10.0.0.7:0 weight 5 -> 50`. */
export function changeText(change: Change): string {
  switch (change.kind) {
    case 'service':
      return serviceLine(change)
    case 'destination':
      return destinationLine(change)
    case 'mark':
      return ruleLine('marks', change, markRuleText)
    case 'nat':
      return ruleLine('nat', change, natRuleText)
    case 'daemon':
      return daemonLine(change)
    case 'timeouts':
      return `~ timeouts ${differenceText(change.from, change.timeouts)}`
    default:
      return `~ marks: repair (${change.problems.map(({ text }) => text).join('; ')})`
  }
}
