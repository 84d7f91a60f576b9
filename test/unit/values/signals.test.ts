import { describe, expect, test } from 'vitest'

import { onAbort, parseSignal } from '../../../lib/values/signals.ts'
import { refused } from '../support/refused.ts'

class CountingSignal extends EventTarget {
  readonly aborted = false
  readonly reason = undefined
  listening = 0

  override addEventListener(...parameters: Parameters<EventTarget['addEventListener']>): void {
    this.listening++
    super.addEventListener(...parameters)
  }

  override removeEventListener(...parameters: Parameters<EventTarget['removeEventListener']>): void {
    this.listening--
    super.removeEventListener(...parameters)
  }
}

function counting(): { readonly target: CountingSignal; readonly signal: AbortSignal } {
  const target = new CountingSignal()
  return { target, signal: target as unknown as AbortSignal }
}

describe('onAbort', () => {
  test('adds one listener per signal, and removes it with the last call', () => {
    const { target, signal } = counting()
    const called: string[] = []
    const stopA = onAbort(signal, () => called.push('a'))
    const stopB = onAbort(signal, () => called.push('b'))
    expect(target.listening).toBe(1)
    stopA()
    stopA()
    target.dispatchEvent(new Event('abort'))
    expect(called).toEqual(['b'])
    stopB()
    expect(target.listening).toBe(0)
    onAbort(signal, () => called.push('c'))
    target.dispatchEvent(new Event('abort'))
    expect(called).toEqual(['b', 'c'])
  })

  test('listeners may stop while they are called', () => {
    const { target, signal } = counting()
    const called: number[] = []
    const stops = [1, 2, 3].map((number) =>
      onAbort(signal, () => {
        called.push(number)
        for (const stop of stops) stop()
      }),
    )
    target.dispatchEvent(new Event('abort'))
    expect(called).toEqual([1])
    expect(target.listening).toBe(0)
  })
})

const no = (): never => {
  throw new Error('no')
}

describe('parseSignal', () => {
  test('accepts signals and objects that work like one', () => {
    const { signal } = new AbortController()
    expect(parseSignal(signal, 'x')).toBe(signal)
    expect(parseSignal(undefined, 'x')).toBeUndefined()
    expect(parseSignal(counting().signal, 'x')).toBeInstanceOf(CountingSignal)
  })

  test.each([[null], [{}], [7], ['abort'], [{ aborted: false }], [new AbortController()], [new EventTarget()]])(
    'refuses %s',
    (value) => {
      expect(refused(() => parseSignal(value, 'options.signal')).field).toBe('options.signal')
    },
  )

  test.each([
    Object.defineProperty({}, 'aborted', { get: no }),
    { aborted: false, addEventListener: no, removeEventListener: () => {} },
    { aborted: false, addEventListener: () => {}, removeEventListener: no },
    Object.create(AbortSignal.prototype),
  ])('refuses objects that throw (%#)', (value) => {
    expect(refused(() => parseSignal(value, 'x')).field).toBe('x')
  })
})
