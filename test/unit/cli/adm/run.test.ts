// `ipvs adm` with a handle that only remembers what it was asked: the order of things, statuses, and who is told what.
import { IpvsError, type BatchOperation, type Ipvs } from 'ipvs'
import { expect, test } from 'vitest'
import { linesOf, restore } from '../../../../cli/adm/restore.ts'
import { carryOut } from '../../../../cli/adm/commands.ts'
import { adm } from '../../../../cli/adm/run.ts'
import { Written } from '../written.ts'

/** Refuses to add the mark 9. */
function fakeIpvs(calls: unknown[]): Ipvs {
  const taken = new IpvsError('ERR_IPVS_SERVICE_EXISTS', 'It is there.', { operation: 'addService', target: 'FWM 9' })
  return {
    batch: (operations: BatchOperation[]) => {
      calls.push(operations.map(({ operation }) => operation))
      const failures = operations.flatMap((operation, index) =>
        JSON.stringify(operation).includes('"fwmark":9') ? [{ index, operation, error: taken }] : [],
      )
      return Promise.resolve({ applied: operations.length - failures.length, failures, done: operations.length })
    },
    setTimeouts: (timeouts: object) => Promise.resolve(void calls.push(timeouts)),
  } as unknown as Ipvs
}

async function restored(input: string, ipvs?: Ipvs) {
  const calls: unknown[] = []
  const output = new Written({ input })
  const status = await restore(ipvs ?? fakeIpvs(calls), output)
  return { calls, status, stderr: output.stderr }
}

test('lines of -R: the name of the program is allowed, empty lines are skipped', () => {
  expect(linesOf('ipvsadm -A -f 7\n\n  -C\t\r\nipvsadm\n')).toEqual([
    { number: 1, words: ['-A', '-f', '7'] },
    { number: 3, words: ['-C'] },
  ])
})

test('-R sends consecutive changes in one batch, and other commands in their order', async () => {
  const { calls, status, stderr } = await restored('-A -f 7\n-A -f 8\n--set 1 0 2\n-D -f 7\n')
  expect(calls).toEqual([
    ['addService', 'addService'],
    { tcpSeconds: 1, tcpFinSeconds: undefined, udpSeconds: 2 },
    ['removeService'],
  ])
  expect([status, stderr]).toEqual([0, ''])
})

test('-R goes on after refusals of the kernel, and reports them at the end', async () => {
  const { calls, status, stderr } = await restored('-A -f 7\n-A -f 9\n-A -f 8\n')
  expect(calls).toEqual([['addService', 'addService', 'addService']])
  expect(status).toBe(255)
  expect(stderr).toBe('line 2: -A -f 9: Service already exists\n2 of 3 commands applied, 1 failed\n')
})

test('-R ends at an invalid line', async () => {
  const { calls, status, stderr } = await restored('-A -f 7\n-A -f x\n-A -f 8\n')
  expect(calls).toEqual([['addService']])
  expect(status).toBe(2)
  expect(stderr).toBe(
    "line 2: -A -f x: invalid fwmark value `x' specified\n1 of 3 commands applied, 1 failed, 1 not tried\n",
  )
})

/** Ends every batch behind its first `applied` operations, of which the next one failed when `failed`. */
function endingIpvs(applied: number, failed: boolean): Ipvs {
  const about = { operation: 'batch', target: '' }
  const lost = new IpvsError('ERR_IPVS_RECEIVE_OVERRUN', 'Lost.', { ...about, outcome: 'unknown' })
  const failures = failed ? [{ index: applied, operation: {}, error: lost }] : []
  const batch = { applied, failures, done: applied + failures.length }
  const error = new IpvsError('ERR_IPVS_PERMISSION_DENIED', 'No.', { ...about, errno: 1, batch })
  return { batch: () => Promise.reject(error) } as unknown as Ipvs
}

test('-R reports the number of applied commands if it cannot go on', async () => {
  const denied = 'Permission denied (you must be root)\n'
  const none = await restored('-A -f 7\n-A -f 8\n', endingIpvs(0, false))
  expect(none).toMatchObject({ status: 255, stderr: `${denied}0 of 2 commands applied, 2 not tried\n` })
  const some = await restored('-A -f 6\n-A -f 7\n-A -f 8\n--set 1 0 2\n', endingIpvs(1, true))
  expect(some).toMatchObject({
    status: 255,
    stderr: `line 2: -A -f 7: Lost.\n${denied}1 of 4 commands applied, 1 failed, 2 not tried\n`,
  })
})

test('-R does not end at an unknown option', async () => {
  const { calls, status } = await restored('-A -f 7\n-A -f 8 -q\n-A -f 8\n')
  expect([calls, status]).toEqual([[['addService'], ['addService']], 255])
})

test('unchanged timeouts are not sent', async () => {
  const calls: unknown[] = []
  await carryOut(fakeIpvs(calls), { name: 'set', seconds: [0, 0, 0] }, new Written())
  expect(calls).toEqual([])
})

test('invalid command lines end before a handle is opened', async () => {
  const output = new Written()
  expect(await adm(['-A', '-f', '0'], output)).toBe(2)
  expect(output.stderr).toBe("invalid fwmark value `0' specified\n")
})

test('-h names every option', async () => {
  const output = new Written()
  expect(await adm(['-h'], output)).toBe(0)
  const { switches } = await import('../../../../cli/adm/options.ts')
  const missing = switches.filter(({ long }) => !['list', 'sort', 'version'].includes(long))
  for (const { long } of missing) expect(output.stdout).toContain(`--${long}`)
})
