// Every error code, from a real kernel. A code without an entry does not compile.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { IpvsErrorCode } from '../../lib/index.ts'
import type { Lab } from '../lab/client.ts'
import type { LabJob } from '../lab/job.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

/** A call, and commands that prepare its namespace. */
interface Call {
  readonly before?: string
  readonly call: readonly [method: string, ...args: unknown[]]
}

/** A scenario with more than one call; returns the code. */
interface Story {
  readonly story: LabJob<undefined, unknown>
  /** Why it cannot run on a host in use. */
  readonly labOnly?: string
}

const withServer = 'ipvsadm -A -f 7 -s rr; ipvsadm -a -f 7 -r 10.0.0.7 -g'
const service = { fwmark: 7 }
const server = { address: '10.0.0.7' }
const withDaemon = 'ip link add sync0 type dummy; ipvsadm --start-daemon backup --mcast-interface sync0'

const sources: Readonly<Record<IpvsErrorCode, Call | Story>> = {
  ERR_IPVS_SERVICE_NOT_FOUND: { call: ['getService', service] },
  ERR_IPVS_SERVICE_EXISTS: { before: withServer, call: ['addService', service] },
  ERR_IPVS_DESTINATION_NOT_FOUND: { before: withServer, call: ['removeDestination', service, { address: '10.0.0.8' }] },
  ERR_IPVS_DESTINATION_EXISTS: { before: withServer, call: ['addDestination', service, server] },
  ERR_IPVS_SCHEDULER_NOT_FOUND: { call: ['addService', { fwmark: 7, scheduler: 'nosuch' }] },
  ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND: {
    call: ['addService', { fwmark: 7, persistence: {}, persistenceEngine: 'nosuch' }],
  },
  ERR_IPVS_DAEMON_EXISTS: { before: withDaemon, call: ['startSyncDaemon', { role: 'backup', interface: 'sync0' }] },
  ERR_IPVS_DAEMON_NOT_RUNNING: { call: ['stopSyncDaemon', 'backup'] },
  ERR_IPVS_INTERFACE_NOT_FOUND: { call: ['startSyncDaemon', { role: 'backup', interface: 'nosuch0' }] },
  // Passes our own checks; the kernel refuses the address.
  ERR_IPVS_INVALID_ARGUMENT: { before: withServer, call: ['addDestination', service, { address: '255.255.255.255' }] },
  ERR_IPVS_KERNEL: {
    before: 'ip link add down0 type dummy',
    call: ['startSyncDaemon', { role: 'master', interface: 'down0' }], // ENETUNREACH
  },
  ERR_IPVS_PERMISSION_DENIED: {
    story: async ({ run, root }) => {
      const program = `
        const { Ipvs } = await import('ipvs')
        await Ipvs.open().then((ipvs) => ipvs.listServices()).catch((error) => console.log(error.code))`
      const node = [process.execPath, '--input-type=module', '-e', program]
      return (
        await run('setpriv', ['--bounding-set=-net_admin', '--inh-caps=-all', ...node], { cwd: root })
      ).stdout.trim()
    },
  },
  ERR_IPVS_UNAVAILABLE: {
    labOnly: 'the modules of this host are not unloaded',
    story: async ({ ipvs: { Ipvs }, sh }) => {
      await sh(`ipvsadm -C
        for i in $(seq 20); do
          loaded=$(lsmod | awk '/^ip_vs/ { print $1 }')
          test -z "$loaded" && break
          rmmod $loaded 2>/dev/null || sleep 0.5
        done
        cp /proc/sys/kernel/modprobe /run/modprobe && echo /bin/false >/proc/sys/kernel/modprobe`)
      try {
        return await Ipvs.open().then(
          () => 'opened',
          (error: { code: string }) => error.code,
        )
      } finally {
        await sh('cat /run/modprobe >/proc/sys/kernel/modprobe; modprobe ip_vs')
      }
    },
  },
  ERR_IPVS_TIMEOUT: {
    story: async ({ ipvs: { Ipvs }, netns }) => {
      const ipvs = await Ipvs.open({ netns: (await netns()).path, timeoutMs: 1 }).catch(
        (error: { code: string }) => error.code,
      )
      if (typeof ipvs === 'string') return ipvs // opening already timed out
      const marks = Array.from({ length: 4000 }, (_, i) => i + 1)
      const settled = await Promise.allSettled(marks.map((fwmark) => ipvs.addService({ fwmark, scheduler: 'rr' })))
      await ipvs.close()
      const failed = settled.filter((each) => each.status === 'rejected')
      return [...new Set(failed.map(({ reason }) => (reason as { code: string }).code))].join(' ')
    },
  },
  ERR_IPVS_ABORTED: {
    story: async ({ ipvs: { Ipvs }, netns }) => {
      const ipvs = await Ipvs.open({ netns: (await netns()).path })
      const controller = new AbortController()
      const { signal } = controller
      const adding = [1, 2].map((fwmark) => ipvs.addService({ fwmark, scheduler: 'rr' }, { signal }))
      await Promise.resolve() // the calls are sent
      controller.abort()
      const settled = await Promise.allSettled(adding)
      await ipvs.close()
      return [...new Set(settled.map((each) => (each.status === 'rejected' ? each.reason.code : 'done')))].join(' ')
    },
  },
  ERR_IPVS_CLOSED: {
    story: async ({ ipvs: { Ipvs }, netns }) => {
      const ipvs = await Ipvs.open({ netns: (await netns()).path })
      const adding = ipvs.addService({ fwmark: 7 }).catch((error: { code: string }) => error.code)
      await ipvs.close()
      return adding
    },
  },
  ERR_IPVS_RECEIVE_OVERRUN: {
    labOnly: 'it would change net.core.rmem_default of this host',
    story: async ({ ipvs: { Ipvs }, netns, sh }) => {
      const before = (await sh('sysctl -n net.core.rmem_default')).trim()
      await sh('sysctl -w net.core.rmem_default=2304') // the minimum
      try {
        const ipvs = await Ipvs.open({ netns: (await netns()).path })
        const missing = Array.from({ length: 20 }, (_, i) => ipvs.zeroCounters({ fwmark: 1 + i }))
        const settled = await Promise.allSettled(missing)
        await ipvs.close()
        return [...new Set(settled.map((each) => (each.status === 'rejected' ? each.reason.code : 'done')))].join(' ')
      } finally {
        await sh(`sysctl -w net.core.rmem_default=${before}`)
      }
    },
  },
  ERR_IPVS_CONFLICT: {
    story: async ({ ipvs: { Ipvs }, netns, sh, start }) => {
      const { name, path } = await netns()
      const ipvs = await Ipvs.open({ netns: path, timeoutMs: 30_000 })
      const marks = Array.from({ length: 500 }, (_, i) => i + 1)
      await Promise.all(marks.map((fwmark) => ipvs.addService({ fwmark, scheduler: 'rr' })))
      // Always a different temporary service: each is added before the previous one is removed.
      const guest = (i: number): number => 5000 + (i % 500)
      const lines = marks.map((i) => `-A -f ${guest(i)} -s rr\n-D -f ${guest(i - 1)}`).join('\n')
      await sh('ipvsadm -A -f 5000 -s rr', { netns: name })
      start('sh', ['-c', 'yes -- "$lines" | ipvsadm -R'], { netns: name, env: { lines } })
      for (;;) {
        const code = await ipvs.listServices().then(
          () => '', // the loop may not have started
          (error: { code: string }) => error.code,
        )
        if (code === '') continue
        await ipvs.close()
        return code
      }
    },
  },
}

async function codeOf(source: Call): Promise<unknown> {
  return lab.run(async ({ ipvs: { Ipvs, IpvsError }, netns, sh }, { before = '', call }) => {
    const { name, path } = await netns()
    await sh(before, { netns: name })
    const ipvs = await Ipvs.open({ netns: path })
    const [method, ...args] = call
    try {
      await (Reflect.get(ipvs, method) as (...all: unknown[]) => Promise<unknown>).apply(ipvs, args)
      return 'done'
    } catch (error) {
      return error instanceof IpvsError ? error.code : String(error)
    } finally {
      await ipvs.close()
    }
  }, source)
}

test.for(Object.entries(sources))('%s', async ([code, source], context) => {
  if ('labOnly' in source && lab.mode === 'direct') context.skip(source.labOnly)
  const seen = 'story' in source ? await lab.run(source.story) : await codeOf(source)
  expect(seen).toBe(code)
})
