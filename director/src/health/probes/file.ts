// file: up while a file is there, or while it is absent. For maintenance by hand and for scripts.
import { stat } from 'node:fs/promises'
import { run } from './attempt.ts'
import { ProbeFailure, codeOf } from './errors.ts'
import type { CheckOf, Probe } from './probe.ts'

/** A path that cannot be looked at gives no verdict. */
export const probeFile: Probe<CheckOf<'file'>> = (check, _target, _sockets, signal) =>
  run({ ...check.limits, firstByte: check.limits.total }, signal, async (attempt) => {
    attempt.enter('firstByte')
    const state = (await exists(check.path)) ? 'present' : 'absent'
    if (state === check.upWhile) return `the file is ${state}`
    throw new ProbeFailure(`the file is ${state}`)
  })

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false
    throw error
  }
}
