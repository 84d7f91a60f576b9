// Fields of rule elements. A rule element is an element that a map of (address . protocol . port) cannot express: it is a rule of
// its own in the kernel.
import { FULL_MASK, type CheckedRule } from './checked-rule.ts'
import type { PortSpan } from './ports.ts'

/** Fields of a rule element. Addresses are as in keys: one character per byte. */
export interface RuleFields {
  /** Handle of the rule in the kernel; 0 for a new rule. */
  readonly handle: bigint
  readonly mask: number
  readonly sourceFrom: string
  readonly sourceTo: string
  readonly interfaceName: string
  readonly sourcePorts: PortSpan
  readonly targetPort: number
}

/** True if the elements of a rule must be rule elements. */
export function needsRuleElement({ action, mask, source, interfaceName }: CheckedRule): boolean {
  return action !== 'mark' || mask !== FULL_MASK || source !== undefined || interfaceName !== ''
}

function text(...numbers: readonly number[]): string {
  return numbers
    .map((number) => String.fromCharCode(number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255))
    .join('')
}

/** The end of the key of a rule element: its fields, source ports first. */
export function ruleFieldsKey({ sourcePorts, mask, targetPort, ...rest }: RuleFields, mark: number): string {
  const { sourceFrom, sourceTo, interfaceName } = rest
  return text(sourcePorts.from, sourcePorts.to, mask, targetPort, mark) + sourceFrom + sourceTo + interfaceName
}

/** The fields without ports: rule elements of the same rule agree in them. */
export function ruleFieldsKind({ mask, targetPort, sourceFrom, sourceTo, interfaceName }: RuleFields): string {
  return text(mask, targetPort) + sourceFrom + sourceTo + interfaceName
}

function isEverything(from: string, to: string): boolean {
  return !/[^\0]/.test(from) && !/[^\u{ff}]/u.test(to)
}

/** True for a rule with source or interface, which takes precedence over rules without them. */
export function isQualified({ sourceFrom, sourceTo, interfaceName }: RuleFields): boolean {
  return interfaceName !== '' || !isEverything(sourceFrom, sourceTo)
}

function shareInterface(left: string, right: string): boolean {
  if (left === '' || right === '') return true
  const [open, other] = left.endsWith('*') ? [left, right] : [right, left]
  if (!open.endsWith('*')) return open === other
  const [prefix, rest] = [open.slice(0, -1), other.endsWith('*') ? other.slice(0, -1) : other]
  return rest.startsWith(prefix) || (other.endsWith('*') && prefix.startsWith(rest))
}

/** True if a packet can match the fields of both rule elements. */
export function ruleFieldsMeet(left: RuleFields, right: RuleFields): boolean {
  return (
    left.sourceFrom <= right.sourceTo &&
    right.sourceFrom <= left.sourceTo &&
    left.sourcePorts.from <= right.sourcePorts.to &&
    right.sourcePorts.from <= left.sourcePorts.to &&
    shareInterface(left.interfaceName, right.interfaceName)
  )
}
