// The first use of IPVS on a machine without the module loaded. Since Linux 6.1 the kernel loads it on demand; on older kernels
// the error names modprobe.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Reported } from '../../cli/doctor/doctor.ts'
import { connectLab, type Lab } from '../lab/client.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectLab()
})
afterAll(() => lab.close())

const notHere = 'IPVS of this host is in use: its modules are not unloaded'

test('6.1 and later load ip_vs by themselves; 5.10 says ERR_IPVS_UNAVAILABLE and names modprobe', async (context) => {
  if (lab.mode === 'direct') context.skip(notHere)
  const [major = 0, minor = 0] = lab.kernel.version.split('.').map(Number)
  const loads = major > 6 || (major === 6 && minor >= 1)
  const seen = await lab.run(async ({ ipvs: { Ipvs, IpvsError }, netns, root, run, sh }) => {
    const { path } = await netns()
    // The kernel may still be removing namespaces of earlier jobs.
    await sh(`test ! -e /proc/net/ip_vs || ipvsadm -C
      for i in $(seq 20); do
        loaded=$(lsmod | awk '/^ip_vs/ { print $1 }')
        test -z "$loaded" && break
        rmmod $loaded 2>/dev/null || sleep 0.5
      done`)
    const loaded = async (): Promise<string> => (await sh("lsmod | awk '/^ip_vs/ { print $1 }' | sort")).trim()
    const attempt = async () => {
      try {
        const ipvs = await Ipvs.open({ netns: path })
        await ipvs.addService({ fwmark: 7, scheduler: 'rr' })
        const listed = await ipvs.listServices()
        await ipvs.close()
        return { listed }
      } catch (error) {
        if (!(error instanceof IpvsError)) throw error
        const { code, outcome, operation, message } = error
        return { error: { code, outcome, operation, message } }
      }
    }
    const before = await loaded()
    const first = await attempt()
    const after = await loaded()
    const doctor = await run(process.execPath, [`${root}/dist/cli.cjs`, 'doctor', '--json'])
    const fixes = (JSON.parse(doctor.stdout) as Reported[]).filter(({ level }) => level === 'bad').map(({ fix }) => fix)
    await sh('modprobe ip_vs; ipvsadm -C')
    return { before, first, after, fixes, second: after === '' ? await attempt() : undefined }
  })
  const works = { listed: [expect.objectContaining({ fwmark: 7, scheduler: 'rr' })] }
  const message = expect.stringContaining('modprobe ip_vs') as string
  const error = { code: 'ERR_IPVS_UNAVAILABLE', outcome: 'not-applied', operation: 'open', message }
  expect(seen).toEqual(
    loads
      ? { before: '', first: works, after: 'ip_vs\nip_vs_rr', fixes: [] }
      : { before: '', first: { error }, after: '', fixes: ['modprobe ip_vs'], second: works },
  )
})
