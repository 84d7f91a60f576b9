// What maps of (address . protocol . port) cannot say: such elements are rules of their own in the kernel.
import { numbersOf } from '../binding/numbers.ts'
import { FULL_MASK, type CheckedRule } from './rule.ts'
import type { PortSpan } from './ports.ts'

/** Where an element stands: in a map, or in a chain of rules (`special`, `srcnat`, `dstnat`). */
export const Place: Readonly<Record<PlaceName, number>> = numbersOf('markPlaces', [
  'exact',
  'ranges',
  'hosts',
  'countedExact',
  'special',
  'srcnat',
  'dstnat',
])
type PlaceName = 'exact' | 'ranges' | 'hosts' | 'countedExact' | 'special' | 'srcnat' | 'dstnat'

/** Maps whose elements count are as many places behind the others. */
export const COUNTED: number = Place.countedExact - Place.exact

const placeByAction: Readonly<Record<CheckedRule['action'], number>> = {
  mark: Place.special,
  masquerade: Place.srcnat,
  redirect: Place.dstnat,
}

export function actionAt(place: number): CheckedRule['action'] {
  if (place === Place.srcnat) return 'masquerade'
  return place === Place.dstnat ? 'redirect' : 'mark'
}

export function placeOf(action: CheckedRule['action']): number {
  return placeByAction[action]
}

/** Addresses as in keys of elements: a character per byte. */
export interface Special {
  /** The kernel's number; 0: not there yet. */
  readonly handle: bigint
  readonly mask: number
  readonly sourceFrom: string
  readonly sourceTo: string
  readonly interfaceName: string
  readonly sourcePorts: PortSpan
  readonly targetPort: number
}

/** Whether the element of a rule needs one. */
export function isSpecial({ action, mask, source, interfaceName }: CheckedRule): boolean {
  return action !== 'mark' || mask !== FULL_MASK || source !== undefined || interfaceName !== ''
}

function text(...numbers: readonly number[]): string {
  return numbers
    .map((number) => String.fromCharCode(number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255))
    .join('')
}

/** The end of a key: what its rule asks and does beyond what every element has, source ports first. */
export function specialKey({ sourcePorts, mask, targetPort, ...rest }: Special, mark: number): string {
  const { sourceFrom, sourceTo, interfaceName } = rest
  return text(sourcePorts.from, sourcePorts.to, mask, targetPort, mark) + sourceFrom + sourceTo + interfaceName
}

/** The same but for ports: elements that have it in common can be of one rule. */
export function specialKind({ mask, targetPort, sourceFrom, sourceTo, interfaceName }: Special): string {
  return text(mask, targetPort) + sourceFrom + sourceTo + interfaceName
}

function isEverything(from: string, to: string): boolean {
  return !/[^\0]/.test(from) && !/[^\u{ff}]/u.test(to)
}

/** With source or interface: such rules prevail over the others. */
export function isQualified({ sourceFrom, sourceTo, interfaceName }: Special): boolean {
  return interfaceName !== '' || !isEverything(sourceFrom, sourceTo)
}

function shareInterface(left: string, right: string): boolean {
  if (left === '' || right === '') return true
  const [open, other] = left.endsWith('*') ? [left, right] : [right, left]
  if (!open.endsWith('*')) return open === other
  const [prefix, rest] = [open.slice(0, -1), other.endsWith('*') ? other.slice(0, -1) : other]
  return rest.startsWith(prefix) || (other.endsWith('*') && prefix.startsWith(rest))
}

/** Whether both can match one packet, as far as they are special. */
export function specialsMeet(left: Special, right: Special): boolean {
  return (
    left.sourceFrom <= right.sourceTo &&
    right.sourceFrom <= left.sourceTo &&
    left.sourcePorts.from <= right.sourcePorts.to &&
    right.sourcePorts.from <= left.sourcePorts.to &&
    shareInterface(left.interfaceName, right.interfaceName)
  )
}
