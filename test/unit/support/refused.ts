// What a check refuses, and under which name.
import { inspect } from 'node:util'

import { expect } from 'vitest'

import { InvalidInput } from '../../../lib/values/validate.ts'

/** Runs a check that has to refuse its input; answers the field and the message. */
export function refused(check: () => unknown): { readonly field: string; readonly message: string } {
  let value: unknown
  try {
    value = check()
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInput)
    const { field, message } = error as InvalidInput
    return { field, message }
  }
  throw new Error(`accepted: ${inspect(value)}`)
}
