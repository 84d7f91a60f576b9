// The service table of Linux 7, which sometimes does not grow: tests the statements in docs/kernels.md.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Reported } from '../../cli/doctor/doctor.ts'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

const page = readFileSync(new URL('../../docs/kernels.md', import.meta.url), 'utf8')
const [look = '', cure = ''] = (/```sh\n(grep [^]*?)```/.exec(page)?.[1] ?? '').split('\n')

test('a table that stays at 16 buckets is detected and fixed as documented', async (context) => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns, root, sh, run, sleep }, commands) => {
      const { name, path } = await netns()
      const status = await run('test', ['-e', '/proc/net/ip_vs_status'])
      if (status.status !== 0) return 'older'
      const buckets = async (): Promise<number> => Number(/\d+/.exec(await sh(commands.look, { netns: name }))?.[0])
      const grown = async (): Promise<boolean> => {
        for (let i = 0; i < 10 && (await buckets()) === 16; i++) await sleep(500)
        return (await buckets()) > 16
      }
      const doctor = async () => {
        const words = [`${root}/dist/cli.cjs`, 'doctor', '--json', '--netns', name]
        return (JSON.parse((await run(process.execPath, words)).stdout) as Reported[]).flatMap(({ fix = '' }) => fix)
      }
      const services = Array.from({ length: 400 }, (_, i) => ({ fwmark: 1 + i, scheduler: 'rr' }))
      const ipvs = await Ipvs.open({ netns: path })
      try {
        for (let round = 0; round < 10; round++) {
          const some = services.slice(0, 64)
          await Promise.all([...some.map((service) => ipvs.addService(service)), ipvs.flush()])
          await Promise.all(services.map((service) => ipvs.addService(service)))
          if (await grown()) {
            await ipvs.flush()
            continue
          }
          const before = await doctor()
          await sh(commands.cure, { netns: name })
          await grown()
          const after = await doctor()
          return { buckets: await buckets(), services: (await ipvs.listServices()).length, before, after }
        }
        return 'always grows'
      } finally {
        await ipvs.close()
      }
    },
    { look, cure },
    { timeoutMs: 110_000 },
  )
  if (seen === 'older') context.skip('before Linux 7 the service table always has 256 buckets')
  if (seen === 'always grows') context.skip('the table of this kernel grew each time')
  expect(seen).toMatchObject({ services: 400 })
  expect(seen).toHaveProperty(
    'buckets',
    expect.toSatisfy((count: number) => count >= 256),
  )
  const fix = expect.stringMatching(/sysctl -w net.ipv4.vs.svc_lfactor=-?\d+$/) as string
  expect(seen).toMatchObject({
    before: expect.arrayContaining([fix]) as string[],
    after: expect.not.arrayContaining([fix]) as string[],
  })
})
