// A writer between the request of a listing and its first receive. The kernel has filled the first datagram by then; removing an
// entry from it makes the kernel skip the next entry. No stable entry may be missing, neither in a listing nor in operations that
// use one.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import type { LabContext } from '../lab/job.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
  await lab.run(({ sh }) => sh('cc -shared -fPIC -o /tmp/around-dumps.so test/integration/around-dumps.c -ldl'))
})
afterAll(() => lab.close())

interface Race {
  /** Number of entries: services, or destinations of one service. */
  readonly services?: number
  readonly destinations?: number
  /** Commands of the writer around each of the first `dumps` listings; `%first%` is the first listed entry. */
  readonly before?: string
  readonly after: string
  readonly dumps: number
  /** Code of the racing process, with `ipvs`, `key` and `keys`, the entries in listing order. */
  readonly program: string
}

/** Returns the keys before, in the kernel's order, the result of the program, and the keys afterwards. */
async function race({ ipvs: { Ipvs }, netns, node, sh }: LabContext, given: Race) {
  const { name, path } = await netns()
  const entries = Array.from({ length: given.services ?? given.destinations ?? 0 }, (_, i) => i + 1)
  const ofServices = given.services !== undefined
  const line = (i: number) => (ofServices ? `-A -f ${i} -s rr\n` : `-a -f 1 -r 10.0.0.${i} -g -w 1\n`)
  const input = [...(ofServices ? [] : ['-A -f 1 -s rr\n']), ...entries.map(line)].join('')
  await sh('ipvsadm -R', { netns: name, input })
  const ipvs = await Ipvs.open({ netns: path })
  const list = async () =>
    ofServices
      ? (await ipvs.listServices()).map(({ fwmark }) => String(fwmark))
      : (await ipvs.listDestinations({ fwmark: 1 })).map(({ address }) => address)
  const keys = await list()
  const program = `
    import { Ipvs } from 'ipvs'
    const [path, ...keys] = process.argv.slice(1)
    const key = { fwmark: 1 }
    const ipvs = await Ipvs.open({ netns: path, timeoutMs: 50_000 })
    const work = async () => { ${given.program} }
    console.log(JSON.stringify(await work().catch(({ code }) => code)))
    await ipvs.close()`
  const command = (text: string) => `ip netns exec ${name} ${text.replaceAll('%first%', keys[0] ?? '')}`
  const env = {
    LD_PRELOAD: '/tmp/around-dumps.so',
    DUMPS: String(given.dumps),
    BEFORE_DUMP: given.before === undefined ? 'true' : command(given.before),
    AFTER_DUMP: command(given.after),
  }
  const { status, stdout, stderr } = await node(program, { args: [path, ...keys], env })
  if (status !== 0) throw new Error(`status ${status}: ${stderr}`)
  const left = await list()
  await ipvs.close()
  return { keys, answered: JSON.parse(stdout) as unknown, left }
}

const run = (given: Race) => lab.run(race, given, { timeoutMs: 110_000 })

// One more than the kernel puts into a datagram of 32 KiB.
const services = { services: 112, after: 'ipvsadm -D -f %first%', dumps: 1 }
const destinations = { destinations: 92, after: 'ipvsadm -d -f 1 -r %first%', dumps: 1 }

test.for([
  ['services', services, 'return (await ipvs.listServices(OPTIONS)).map(({ fwmark }) => String(fwmark))'],
  ['destinations', destinations, 'return (await ipvs.listDestinations(key, OPTIONS)).map(({ address }) => address)'],
] as const)('a listing of %s', async ([, given, program]) => {
  const once = await run({ ...given, program: program.replace('OPTIONS', '{ consistent: false }') })
  expect(once.left).toEqual(once.keys.slice(1))
  expect(once.answered).toEqual(once.keys.slice(0, -1)) // a single pass lacks one entry, and has a removed one
  const consistent = await run({ ...given, program: program.replace('OPTIONS', '{}') })
  expect(consistent.left).toEqual(consistent.keys.slice(1))
  expect(consistent.answered).toEqual(consistent.left)
})

test('a snapshot', async () => {
  const program = 'return (await ipvs.snapshot())[0].destinations.map(({ address }) => address)'
  const after = 'ipvsadm -d -f 1 -r %first% 2> /dev/null || true' // the first listing is of services
  const { keys, answered, left } = await run({ ...destinations, after, dumps: 2, program })
  expect(left).toEqual(keys.slice(1))
  expect(answered).toEqual(left)
})

test('flush({ family }) removes all', async () => {
  const { answered, left } = await run({
    ...services,
    program: "return (await ipvs.flush({ family: 'ipv4' })) ?? 'done'",
  })
  expect([answered, left]).toEqual(['done', []])
})

test('a patch finds its destination or fails with a conflict, and never with "not found"', async () => {
  // Before each listing a destination is added in front, and removed in the middle: the last one is skipped each time.
  const restless = {
    destinations: 91,
    before: 'ipvsadm -a -f 1 -r 10.0.1.1 -g',
    after: 'ipvsadm -d -f 1 -r 10.0.1.1',
    program: `
      await ipvs.updateDestination(key, { address: keys.at(-1) }, { weight: 7 })
      const { address, weight, forwarding } = (await ipvs.listDestinations(key)).at(-1)
      return { address, weight, forwarding }`,
  }
  const thrice = await run({ ...restless, dumps: 3 })
  expect(thrice.answered).toEqual({ address: thrice.keys.at(-1), weight: 7, forwarding: 'direct' })
  const always = await run({ ...restless, dumps: 1000 })
  expect(always.answered).toBe('ERR_IPVS_CONFLICT')
})
