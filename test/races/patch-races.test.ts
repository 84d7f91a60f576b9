// Concurrent patches of several processes: the kernel replaces whole records, so each patch reads, merges and writes.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import type { LabContext } from '../lab/job.ts'
import { connectKernel } from '../integration/kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
  await lab.run(({ sh }) => sh('cc -shared -fPIC -o /tmp/around-dumps.so test/integration/around-dumps.c -ldl'))
})
afterAll(() => lab.close())

const timeoutMs = 110_000

interface Writers {
  readonly table: string
  /** Code of each process, with `ipvs`, `key`, `server` and `round`; returns whether its own change is in the table. */
  readonly programs: readonly string[]
  readonly rounds: number
  /** A command that runs in parallel until they have ended. */
  readonly beside?: string
}

async function run({ netns, sh, start, ipvs: { Ipvs } }: LabContext, { table, programs, rounds, beside }: Writers) {
  const { name, path } = await netns()
  await sh('ipvsadm -R', { netns: name, input: table })
  const program = (body: string) => `
    import { Ipvs } from 'ipvs'
    const [path, rounds] = process.argv.slice(1)
    const [key, server] = [{ fwmark: 7 }, { address: '10.0.0.7' }]
    const ipvs = await Ipvs.open({ netns: path, timeoutMs: 60_000 })
    const lost = []
    for (let round = 1; round <= rounds; round++) {
      const there = await (async () => { ${body} })()
      if (!there) lost.push(round)
    }
    console.log(JSON.stringify(lost))
    await ipvs.close()`
  const theirs = beside === undefined ? undefined : start('sh', ['-c', beside], { netns: name })
  const writers = programs.map((body) =>
    start('node', ['--input-type=module', '-e', program(body), '--', path, String(rounds)]),
  )
  const ended = await Promise.all(writers.map(({ exited }) => exited))
  const errors = theirs === undefined ? '' : (await theirs.stop(), theirs.output.stderr)
  const ipvs = await Ipvs.open({ netns: path })
  const [service, destinations] = [await ipvs.getService({ fwmark: 7 }), await ipvs.listDestinations({ fwmark: 7 })]
  await ipvs.close()
  return {
    errors,
    lost: ended.map(({ status, stdout, stderr }) => (status === 0 ? stdout.split('\n').at(-2) : stderr)),
    service: { scheduler: service.scheduler, persistence: service.persistence?.timeoutSeconds },
    destinations: destinations.map(({ weight, upperThreshold, lowerThreshold }) => [
      weight,
      upperThreshold,
      lowerThreshold,
    ]),
  }
}

const table = '-A -f 7 -s rr -p 1000\n-a -f 7 -r 10.0.0.7 -g -w 1\n'
const own = '(await ipvs.listDestinations(key))[0]'

test('two processes change different fields of one destination: no change is lost', async () => {
  const programs = [
    `await ipvs.updateDestination(key, server, { weight: round }); return ${own}.weight === round`,
    `await ipvs.updateDestination(key, server, { upperThreshold: round }); return ${own}.upperThreshold === round`,
  ]
  const seen = await lab.run(run, { table, programs, rounds: 200 }, { timeoutMs })
  expect(seen).toMatchObject({ lost: ['[]', '[]'], destinations: [[200, 200, 0]] })
})

test('two processes change different settings of one service: no change is lost', async () => {
  const programs = [
    `const persistence = { timeoutSeconds: round }
     await ipvs.updateService(key, { persistence }); return (await ipvs.getService(key)).persistence.timeoutSeconds === round`,
    `const scheduler = ['rr', 'wrr', 'lc'][round % 3]
     await ipvs.updateService(key, { scheduler }); return (await ipvs.getService(key)).scheduler === scheduler`,
  ]
  const seen = await lab.run(run, { table, programs, rounds: 200 }, { timeoutMs })
  expect(seen).toMatchObject({ lost: ['[]', '[]'], service: { scheduler: 'lc', persistence: 200 } })
})

test('a patch of persistence without a timeout keeps a timeout that another process sets at the same time', async () => {
  const programs = [
    `await ipvs.updateService(key, { persistence: { netmask: 24 } }); return true`,
    `await ipvs.updateService(key, { persistence: null })
     await ipvs.updateService(key, { persistence: { timeoutSeconds: round } })
     return (await ipvs.getService(key)).persistence.timeoutSeconds === round`,
  ]
  const seen = await lab.run(run, { table, programs, rounds: 200 }, { timeoutMs })
  expect(seen).toMatchObject({ lost: ['[]', '[]'], service: { persistence: 200 } })
})

test('single patches get the lock in parallel with endless batches of patches', async () => {
  const batches = `
    const patch = (i) => ({ operation: 'updateDestination', service: key, destination: server, patch: { weight: i } })
    const items = Array.from({ length: 4000 }, (_, i) => patch(i + 1))
    const { applied } = await ipvs.batch(items)
    return applied === 4000 && ${own}.weight === 4000`
  const single = `await ipvs.updateDestination(key, server, { upperThreshold: round }); return ${own}.upperThreshold === round`
  const seen = await lab.run(run, { table, programs: [batches, single], rounds: 10 }, { timeoutMs })
  expect(seen).toMatchObject({ lost: ['[]', '[]'], destinations: [[4000, 10, 0]] })
})

test('in parallel with ipvsadm, which takes no lock: the result is one of the requested states', async () => {
  const programs = [`await ipvs.updateDestination(key, server, { weight: 100 + round }); return true`]
  const beside = 'while ipvsadm -e -f 7 -r 10.0.0.7 -g -w 1 -x 5 -y 3; do :; done'
  const seen = await lab.run(run, { table, programs, rounds: 100, beside }, { timeoutMs })
  expect(seen).toMatchObject({ errors: '', lost: ['[]'] })
  const [[weight, upper, lower] = []] = seen.destinations
  expect([
    [1, 5, 3],
    [200, 5, 3],
    [200, 0, 0],
  ]).toContainEqual([weight, upper, lower])
})

test('a process stopped in the middle of a patch blocks further patches, a killed process does not', async () => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns, sh, sleep, start }, input) => {
      const { name, path } = await netns()
      await sh('ipvsadm -R', { netns: name, input })
      const [key, server] = [{ fwmark: 7 }, { address: '10.0.0.7' }]
      const ipvs = await Ipvs.open({ netns: path, timeoutMs: 1000 })
      const patch = async (weight: number) =>
        ipvs.updateDestination(key, server, { weight }).then(
          () => 'done',
          ({ code, outcome, message }: { code: string; outcome: string; message: string }) => [code, outcome, message],
        )
      const program = `
        import { Ipvs } from 'ipvs'
        const ipvs = await Ipvs.open({ netns: ${JSON.stringify(path)} })
        await ipvs.updateDestination({ fwmark: 7 }, { address: '10.0.0.7' }, { upperThreshold: 9 })`
      const env = { LD_PRELOAD: '/tmp/around-dumps.so', DUMPS: '1', AFTER_DUMP: 'kill -STOP $PPID' }
      const holder = start('node', ['--input-type=module', '-e', program], { env })
      while (!(await sh(`cat /proc/${holder.pid}/stat`)).includes(') T ')) await sleep(50)
      const heldUp = await patch(5)
      const [listed] = await ipvs.listDestinations(key) // reading needs no lock
      await ipvs.removeDestination(key, server)
      await ipvs.addDestination(key, { ...server, weight: 1 }) // nor do writes that are not patches
      const aborted = await ipvs
        .updateDestination(key, server, { weight: 6 }, { signal: AbortSignal.timeout(100) })
        .catch(({ code, outcome }: { code: string; outcome: string }) => [code, outcome])
      await holder.stop('SIGKILL')
      const killed = await patch(7)
      const [after] = await ipvs.listDestinations(key)
      await ipvs.close()
      return { heldUp, listed: listed?.weight, aborted, killed, after: [after?.weight, after?.upperThreshold] }
    },
    table,
    { timeoutMs },
  )
  expect(seen.heldUp).toEqual(['ERR_IPVS_CONFLICT', 'not-applied', expect.stringContaining('in the middle of a patch')])
  expect(seen).toMatchObject({
    listed: 1,
    aborted: ['ERR_IPVS_ABORTED', 'not-applied'],
    killed: 'done',
    after: [7, 0],
  })
})
