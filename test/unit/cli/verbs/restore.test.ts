// `ipvs restore` and `ipvs apply`: how much was done, and what failed. `ipvs save`: warnings.
import { Command } from 'commander'
import { IpvsError } from 'ipvs'
import { expect, test } from 'vitest'
import { failureLines } from '../../../../cli/verbs/restore.ts'
import { unsaveable } from '../../../../cli/verbs/save.ts'
import { applyChanges, diffState, normalizeState, type CurrentState, type State } from '../../../../state/index.ts'
import { FakeKernel } from '../../state/fake-kernel.ts'

const empty: CurrentState = {
  version: 1,
  timeouts: { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 },
  services: [],
  daemons: [],
}
const changes = diffState(empty, {
  timeouts: { udpSeconds: 30 },
  services: [7, 8, 9].map((fwmark) => ({ service: { fwmark } })),
})

async function linesOf(stopOnError: boolean): Promise<string[]> {
  const kernel = new FakeKernel()
  kernel.execute({ operation: 'addService', service: { fwmark: 8 } })
  const result = await applyChanges(changes, { ipvs: kernel.ipvs, stopOnError })
  return failureLines(changes, result, new Command(), !stopOnError)
}

test('the first failure ends it', async () => {
  expect(await linesOf(true)).toEqual([
    expect.stringMatching(
      /^ipvs: \+ service mark:8 wlc: lost a race, somebody else added it .*: the fake kernel refuses it$/,
    ),
    '2 of 4 changes carried out; this one was not: + service mark:8 wlc',
  ])
})

test('--keep-going: applies all changes that do not fail', async () => {
  expect((await linesOf(false))[1]).toBe('3 of 4 changes carried out, 1 failed')
})

test('a failure that ends everything is reported once', async () => {
  const error = new IpvsError('ERR_IPVS_PERMISSION_DENIED', 'No.', { operation: 'batch', target: '' })
  const { ipvs } = new FakeKernel()
  ipvs.batch = () => Promise.reject(error)
  const result = await applyChanges(changes, { ipvs })
  expect(failureLines(changes, result, new Command(), true)).toEqual([
    'ipvs: No.',
    '1 of 4 changes carried out; this one was not: + service mark:7 wlc',
  ])
})

test('saving reports rows that cannot be restored', async () => {
  const saved = (state: State) => unsaveable({ ...empty, ...(normalizeState(state) as CurrentState) })
  const service = { fwmark: 7 } as const
  expect(await saved({ services: [{ service, destinations: [{ address: '10.0.0.7' }] }] })).toEqual([])
  const persistence = { timeoutSeconds: 17179868, netmask: '255.255.255.255' }
  const [kept] = (normalizeState({ services: [{ service, destinations: [] }] }) as CurrentState).services
  const destination = {
    address: '10.0.0.7',
    port: 0,
    forwarding: 'tunnel',
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
  }
  const services = [
    { ...kept, service: { ...kept?.service, persistence } },
    { service: { ...kept?.service, fwmark: 8 }, destinations: [destination] },
  ]
  expect(await unsaveable({ ...empty, services } as unknown as CurrentState)).toEqual([
    expect.stringContaining('services[0].service.persistence.timeoutSeconds: 17179868'),
    'mark:8 -> 10.0.0.7:0: the type of its tunnel is not known and not saved',
  ])
})
