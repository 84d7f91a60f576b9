// A writer who is just in time: between the request of a listing and its first receive. What the kernel has filled by then
// is told, and the entry behind it is skipped when one before it goes. Nothing that was there all the time may be missing,
// in a listing or in anything that is built on one.
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
  /** How many entries there are: services, or destinations of one service. */
  readonly services?: number
  readonly destinations?: number
  /** What the writer does around each of the first `dumps` listings; `%first%` is the entry that is listed first. */
  readonly before?: string
  readonly after: string
  readonly dumps: number
  /** What the racing process does, with `ipvs`, `key` and `keys`, all entries in the order in which they are listed. */
  readonly program: string
}

/** The keys of what was there, in the kernel's order, what the program answered, and what is there afterwards. */
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

// One more than what the kernel puts into a datagram of 32 KiB.
const services = { services: 112, after: 'ipvsadm -D -f %first%', dumps: 1 }
const destinations = { destinations: 92, after: 'ipvsadm -d -f 1 -r %first%', dumps: 1 }

test.for([
  ['services', services, 'return (await ipvs.listServices(OPTIONS)).map(({ fwmark }) => String(fwmark))'],
  ['destinations', destinations, 'return (await ipvs.listDestinations(key, OPTIONS)).map(({ address }) => address)'],
] as const)('a listing of %s', async ([, given, program]) => {
  const once = await run({ ...given, program: program.replace('OPTIONS', '{ consistent: false }') })
  expect(once.left).toEqual(once.keys.slice(1))
  expect(once.answered).toEqual(once.keys.slice(0, -1)) // one pass only: it lacks one, and has one that is gone
  const consistent = await run({ ...given, program: program.replace('OPTIONS', '{}') })
  expect(consistent.left).toEqual(consistent.keys.slice(1))
  expect(consistent.answered).toEqual(consistent.left)
})

test('a snapshot', async () => {
  const program = 'return (await ipvs.snapshot())[0].destinations.map(({ address }) => address)'
  const after = 'ipvsadm -d -f 1 -r %first% 2> /dev/null || true' // the first listing is that of the services
  const { keys, answered, left } = await run({ ...destinations, after, dumps: 2, program })
  expect(left).toEqual(keys.slice(1))
  expect(answered).toEqual(left)
})

test('flush({ family }) leaves none', async () => {
  const { answered, left } = await run({
    ...services,
    program: "return (await ipvs.flush({ family: 'ipv4' })) ?? 'done'",
  })
  expect([answered, left]).toEqual(['done', []])
})

test('a patch finds its destination, or says that the table does not settle, and never that it is not there', async () => {
  // Somebody adds a destination in front before each listing, and removes it in the middle: the last one is skipped each time.
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
