// `ipvs restore`: what is sent, and what is known when it does not get to its end.
import { IpvsError, type BatchOperation, type FirewallMarks, type Ipvs } from 'ipvs'
import { expect, test } from 'vitest'
import { applySteps } from '../../../state/apply.ts'
import type { Step } from '../../../state/difference.ts'
import { howFar } from '../../../cli/verbs/save.ts'

const add = (fwmark: number): Step => ({ name: 'change', operation: { operation: 'addService', service: { fwmark } } })
const timeouts: Step = { name: 'timeouts', timeouts: { tcpSeconds: 1, tcpFinSeconds: 2, udpSeconds: 3 } }
const marks: Step = { name: 'marks', rules: [], changes: [] }
const refusal = new IpvsError('ERR_IPVS_SERVICE_EXISTS', 'It is there.', { operation: 'addService', target: 'FWM 9' })

const isNine = (operation: BatchOperation): boolean => JSON.stringify(operation).includes('"fwmark":9')

/** Refuses to add the mark 9; `ends`: by ending the batch. */
function fakeIpvs(calls: unknown[], ends = false): Ipvs {
  return {
    batch: (operations: BatchOperation[], options: object) => {
      calls.push([operations.length, options])
      const index = operations.findIndex(isNine)
      if (index < 0) return Promise.resolve({ applied: operations.length, failures: [], done: operations.length })
      const batch = {
        applied: 'stopOnError' in options && options.stopOnError === false && !ends ? operations.length - 1 : index,
        failures: [{ index, operation: operations[index], error: refusal }],
        done: index + 1,
      }
      if (!ends) return Promise.resolve(batch)
      const details = { operation: 'batch', target: '', batch: { ...batch, failures: [], done: index } }
      return Promise.reject(new IpvsError('ERR_IPVS_PERMISSION_DENIED', 'No.', details))
    },
    setTimeouts: () => Promise.resolve(void calls.push('timeouts')),
  } as unknown as Ipvs
}
const nat: Step = { name: 'nat', rules: [], changes: [] }
const noMarks = { replace: () => Promise.reject(refusal) } as unknown as FirewallMarks

test('changes that follow each other are one batch, which ends at a failure', async () => {
  const calls: unknown[] = []
  const steps = [add(1), add(2), timeouts, add(3)]
  expect(await applySteps(steps, fakeIpvs(calls), undefined)).toEqual({ applied: 4, failed: [] })
  const options = { stopOnError: true }
  expect(calls).toEqual([[2, options], 'timeouts', [1, options]])
})

test('a failed change: so many were carried out, and what follows is not tried', async () => {
  const calls: unknown[] = []
  const steps = [timeouts, add(1), add(9), add(2), timeouts]
  expect(await applySteps(steps, fakeIpvs(calls), undefined)).toEqual({ applied: 2, failed: [], error: refusal })
  expect(calls).toHaveLength(2)
})

test('a batch that ends says itself how far it got', async () => {
  const calls: unknown[] = []
  const steps = [timeouts, add(1), add(2), add(9), timeouts]
  expect(await applySteps(steps, fakeIpvs(calls, true), undefined)).toMatchObject({
    applied: 3,
    error: { code: 'ERR_IPVS_PERMISSION_DENIED' },
  })
  expect(calls).toHaveLength(2)
})

test('so does any other step', async () => {
  expect(await applySteps([add(1), marks, add(2)], fakeIpvs([]), noMarks)).toEqual({
    applied: 1,
    failed: [],
    error: refusal,
  })
})

test('rules that translate addresses are replaced by themselves', async () => {
  const calls: unknown[] = []
  const replaceNat = (rules: unknown) => Promise.resolve(void calls.push(rules))
  const fake = { replaceNat } as unknown as FirewallMarks
  expect(await applySteps([nat], fakeIpvs([]), fake)).toEqual({ applied: 1, failed: [] })
  expect(calls).toEqual([[]])
})

test('told to keep going, it leaves out what fails', async () => {
  const calls: unknown[] = []
  const steps = [timeouts, add(1), add(9), marks, timeouts]
  const failed = [add(9), marks].map((step) => ({ step, error: refusal }))
  expect(await applySteps(steps, fakeIpvs(calls), noMarks, true)).toEqual({ applied: 3, failed })
  expect(calls).toEqual(['timeouts', [2, { stopOnError: false }], 'timeouts'])
})

test('told to keep going, it still ends with what all would fail with', async () => {
  const calls: unknown[] = []
  const applied = await applySteps([add(1), add(9), timeouts], fakeIpvs(calls, true), undefined, true)
  expect(applied).toMatchObject({ applied: 1, failed: [], error: { code: 'ERR_IPVS_PERMISSION_DENIED' } })
  expect(calls).toHaveLength(1)
})

test('how far it went, for people', () => {
  expect(howFar([timeouts, add(9)], 1)).toBe('1 of 2 steps carried out; this one was not: + service mark:9 wlc')
  expect(howFar([add(9)], 0)).toBe('0 of 1 steps carried out; this one was not: + service mark:9 wlc')
})
