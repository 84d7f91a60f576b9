// Places of elements in our table: a map, or a chain of rules.
import { numbersOf } from '../binding/numbers.ts'
import type { CheckedRule } from './checked-rule.ts'

/** Map (`exact`, `ranges`, `hosts`) or chain of rules (`special`, `srcnat`, `dstnat`) of an element. */
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

/** Offset from the place of a map to the place of the same map with counters. */
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
