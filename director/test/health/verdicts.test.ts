import { describe, expect, test } from 'vitest'
import type { Verdict } from '../../src/health/probes/probe.ts'
import { type TargetState, afterVerdict, nextDelay, unknownTarget } from '../../src/health/verdicts.ts'

const rules = { rise: 2, fall: 3, intervalMs: 5000, whileFailingMs: 1000, whileDownMs: 9000 }
const verdictOf: Readonly<Record<string, Verdict>> = { s: 'success', f: 'failure', v: 'void' }

/** States after each letter: success, failure, void. The time is the number of the letter. */
function history(letters: string, start: TargetState = unknownTarget(0)): TargetState[] {
  const states: TargetState[] = []
  let target = start
  for (const [index, letter] of Array.from(letters).entries()) {
    target = afterVerdict(target, verdictOf[letter] ?? 'void', `result ${String(index + 1)}`, rules, index + 1)
    states.push(target)
  }
  return states
}

const shapes = (letters: string): string =>
  history(letters)
    .map(({ state }) => state.slice(0, 1))
    .join('')

test.each([
  ['s', 'u'],
  ['ffs', 'uuu'],
  ['fff', 'uud'],
  ['sff', 'uuu'],
  ['sffsff', 'uuuuuu'],
  ['sfff', 'uuud'],
  ['sfffs', 'uuudd'],
  ['sfffss', 'uuuddu'],
  ['sfffsfs', 'uuudddd'],
])('after %s the states are %s', (letters, expected) => {
  expect(shapes(letters)).toBe(expected)
})

test('an unknown target is not up before its first success', () => {
  expect(history('ff').map(({ state }) => state)).toEqual(['unknown', 'unknown'])
  expect(history('ffs').at(-1)).toMatchObject({ state: 'up', since: 3 })
})

test('`since` is the time of the change, the reason the last failure', () => {
  expect(history('sfffs').at(-1)).toEqual({ state: 'down', since: 4, against: 1, reason: 'result 4' })
  expect(history('sff').at(-1)).toEqual({ state: 'up', since: 1, against: 2, reason: 'result 3' })
  expect(history('sffs').at(-1)).toEqual({ state: 'up', since: 1, against: 0, reason: '' })
})

describe('the next probe', () => {
  test.each([
    ['s', 5000],
    ['sf', 1000],
    ['sfs', 5000],
    ['sfff', 9000],
    ['sfffs', 1000],
    ['sfffsf', 9000],
    ['f', 1000],
    ['v', 5000],
    ['sfv', 1000],
  ])('comes after %s in %i ms', (letters, delay) => {
    expect(nextDelay(history(letters).at(-1) ?? unknownTarget(0), rules)).toBe(delay)
  })
})

/** Random letters with the share of voids, from a seed. */
function randomLetters(seed: number, length: number): string {
  let value = seed
  const next = (): number => (value = (value * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
  return Array.from({ length }, () => 'sfv'.charAt(Math.floor(next() * 3))).join('')
}

test('void verdicts change nothing, wherever they come in a history', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const letters = randomLetters(seed, 60)
    const valid = letters.replaceAll('v', '')
    const [withVoids, without] = [history(letters).at(-1), history(valid).at(-1)]
    expect({ letters, state: withVoids?.state, against: withVoids?.against }).toEqual({
      letters,
      state: without?.state,
      against: without?.against,
    })
  }
})

test('in any history: down only after `fall` valid failures in a row, up only after `rise` successes', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const letters = randomLetters(seed, 60).replaceAll('v', '')
    const states = history(letters)
    for (const [index, { state }] of states.entries()) {
      const before = states[index - 1]?.state ?? 'unknown'
      if (state === before) continue
      const needed = state === 'down' ? 'fff' : before === 'down' ? 'ss' : 's'
      expect(letters.slice(0, index + 1).slice(-needed.length)).toBe(needed)
    }
  }
})
