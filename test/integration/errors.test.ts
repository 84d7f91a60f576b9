// Errors from a real kernel: each is an IpvsError, and names the fix.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

type Call = readonly [method: string, ...args: unknown[]]

/** The error of a call in a namespace prepared by `before`. */
const failing = async (call: Call, before = ''): Promise<Record<string, unknown>> =>
  lab.run(
    async ({ ipvs: { Ipvs, IpvsError }, netns, sh }, given) => {
      const { name, path } = await netns()
      if (given.before) await sh(given.before, { netns: name })
      const ipvs = await Ipvs.open({ netns: path })
      const [method, ...args] = given.call
      try {
        await (Reflect.get(ipvs, method) as (...all: unknown[]) => Promise<unknown>).apply(ipvs, args)
      } catch (error) {
        if (!(error instanceof IpvsError)) throw error
        const { code, errno, operation, target, outcome, message } = error
        return { code, errno, operation, target, outcome, message }
      } finally {
        await ipvs.close()
      }
      throw new Error('did not fail')
    },
    { call, before },
  )

const withService = 'ipvsadm -A -f 7 -s rr; ipvsadm -a -f 7 -r 10.0.0.7 -g'

test.each([
  [['addService', { fwmark: 7, scheduler: 'rr' }], 'ERR_IPVS_SERVICE_EXISTS', 17],
  [['updateService', { fwmark: 8 }, { scheduler: 'rr' }], 'ERR_IPVS_SERVICE_NOT_FOUND', 3],
  [['removeService', { fwmark: 8 }], 'ERR_IPVS_SERVICE_NOT_FOUND', 3],
  [['removeService', { fwmark: 7, family: 'ipv6' }], 'ERR_IPVS_SERVICE_NOT_FOUND', 3],
  [['getService', { fwmark: 8 }], 'ERR_IPVS_SERVICE_NOT_FOUND', 3],
  [['listDestinations', { fwmark: 8 }], 'ERR_IPVS_SERVICE_NOT_FOUND', 3],
  [['addDestination', { fwmark: 8 }, { address: '10.0.0.7' }], 'ERR_IPVS_SERVICE_NOT_FOUND', 3],
  [['addDestination', { fwmark: 7 }, { address: '10.0.0.7' }], 'ERR_IPVS_DESTINATION_EXISTS', 17],
  [['updateDestination', { fwmark: 7 }, { address: '10.0.0.9' }, { weight: 0 }], 'ERR_IPVS_DESTINATION_NOT_FOUND', 2],
  [['updateDestination', { fwmark: 8 }, { address: '10.0.0.9' }, { weight: 0 }], 'ERR_IPVS_SERVICE_NOT_FOUND', 3],
  [['removeDestination', { fwmark: 7 }, { address: '10.0.0.9' }], 'ERR_IPVS_DESTINATION_NOT_FOUND', 2],
  [['addService', { fwmark: 9, scheduler: 'nosuch' }], 'ERR_IPVS_SCHEDULER_NOT_FOUND', 2],
  [['updateService', { fwmark: 7 }, { scheduler: 'nosuch' }], 'ERR_IPVS_SCHEDULER_NOT_FOUND', 2],
  [
    ['addService', { fwmark: 9, scheduler: 'rr', persistence: {}, persistenceEngine: 'nosuch' }],
    'ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND',
    2,
  ],
] satisfies [Call, string, number][])('%j: %s', async (call, code, errno) => {
  const error = await failing(call, withService)
  expect(error).toMatchObject({ code, errno, operation: call[0], outcome: 'not-applied' })
  expect(error['target']).toContain('FWM')
})

test.each([
  [['addService', { fwmark: 0, scheduler: 'rr' }], /fwmark/],
  [['addService', { fwmark: 7, sched: 'rr' }], /service\.sched: .*"scheduler"/],
  [['addService', { protocol: 'tcp', address: '172.16.0.300', port: 80 }], /address/],
  [['addService', { protocol: 'tcp', address: '172.16.0.100', port: 65536 }], /port/],
  [['addService', { fwmark: 7, protocol: 'tcp', address: '172.16.0.100', port: 80 }], /fwmark/],
  [['addDestination', { fwmark: 7 }, { address: '10.0.0.7', weight: -1 }], /weight/],
] satisfies [Call, RegExp][])('%j is refused before anything is sent', async (call, message) => {
  const error = await failing(call)
  expect(error).toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT', outcome: 'not-applied' })
  expect(error['message']).toMatch(message)
})

describe('without access to IPVS', () => {
  const program = `
    import { Ipvs, IpvsError } from 'ipvs'
    try {
      const ipvs = await Ipvs.open(JSON.parse(process.argv.at(-1)))
      await ipvs.listServices()
      console.log('{}')
    } catch (error) {
      console.log(JSON.stringify({ ours: error instanceof IpvsError, code: error.code, errno: error.errno, message: error.message }))
    }`
  const attempt = async (prefix: string[], options: object = {}): Promise<Record<string, unknown>> => {
    const { status, stdout, stderr } = await lab.run(
      async ({ run, root }, given) => {
        const node = [process.execPath, '--input-type=module', '-e', given.program, JSON.stringify(given.options)]
        const [command = '', ...args] = [...given.prefix, ...node]
        return run(command, args, { cwd: root })
      },
      { prefix, program, options },
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return JSON.parse(stdout) as Record<string, unknown>
  }

  test('without root', async () => {
    const error = await attempt(['setpriv', '--reuid', '65534', '--clear-groups', '--inh-caps=-all'])
    expect(error).toMatchObject({ ours: true, code: 'ERR_IPVS_PERMISSION_DENIED', errno: 1 })
    expect(error['message']).toContain('CAP_NET_ADMIN')
  })

  test('as root without CAP_NET_ADMIN', async () => {
    const error = await attempt(['setpriv', '--bounding-set=-net_admin', '--inh-caps=-all'])
    expect(error).toMatchObject({ ours: true, code: 'ERR_IPVS_PERMISSION_DENIED', errno: 1 })
  })

  test('as root of a user namespace: the initial one is required', async () => {
    const error = await attempt(['unshare', '-Urn'])
    expect(error).toMatchObject({ ours: true, code: 'ERR_IPVS_PERMISSION_DENIED', errno: 1 })
    expect(error['message']).toContain('initial user namespace')
  })

  test('in a namespace that does not exist', async () => {
    const error = await attempt([], { netns: '/run/netns/nosuch' })
    expect(error).toMatchObject({ ours: true, code: 'ERR_IPVS_INVALID_ARGUMENT', errno: 2 })
    expect(error['message']).toContain('/run/netns/nosuch')
  })

  test('in a file that is not a namespace', async () => {
    const error = await attempt([], { netns: '/etc/hostname' })
    expect(error).toMatchObject({ ours: true, code: 'ERR_IPVS_INVALID_ARGUMENT', errno: 22 })
  })
})

test('a handle stays usable after the module is unloaded and loaded again', async (context) => {
  if (lab.mode === 'direct') context.skip('IPVS of this host is in use: its modules are not unloaded')
  const seen = await lab.run(async ({ ipvs: { Ipvs }, sh, kernel }) => {
    const ipvs = await Ipvs.open()
    await ipvs.flush()
    const family = async (): Promise<string> => (await sh('grep -c . /proc/net/ip_vs')).trim()
    await family()
    await sh(
      'for i in 1 2 3 4 5; do modprobe -r $(grep -o "^ip_vs_[a-z_]*" /proc/modules) 2>/dev/null; modprobe -r ip_vs && break; sleep 1; done; ! test -e /proc/net/ip_vs',
    )
    await sh('modprobe ip_vs')
    await ipvs.addService({ fwmark: 7, scheduler: 'rr' })
    const listed = await ipvs.listServices()
    await ipvs.flush()
    await ipvs.close()
    return { listed, kernel }
  })
  expect(seen.listed).toMatchObject([{ fwmark: 7, scheduler: 'rr' }])
})
