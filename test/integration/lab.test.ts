// The lab itself: the guarantees that tests rely on.

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectLab, type Lab } from '../lab/client.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectLab()
})
afterAll(async () => {
  await lab.close()
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

test('a job receives arguments and returns its result', async () => {
  const sum = await lab.run((_, { a, b }) => a + b, { a: 20, b: 22 })
  expect(sum).toBe(42)
})

test('values are equal after both directions', async () => {
  const values = {
    big: 2n ** 64n - 1n,
    bytes: new Uint8Array([0, 255, 10, 13]),
    odd: [NaN, -Infinity, -0, undefined, null],
    text: 'line\nfeed \u{1F600} "quoted"',
    nested: [{ deep: [1n] }],
  }
  const echo = await lab.run((_, given) => given, values)
  expect(echo).toEqual(values)
})

test('getters of rows arrive as values', async () => {
  const row = await lab.run(() => {
    class Row {
      get packets(): bigint {
        return 7n
      }
    }
    return [new Row()]
  })
  expect(row).toEqual([{ packets: 7n }])
})

test('unsupported values are refused', async () => {
  await expect(lab.run(() => ({ table: new Map() }))).rejects.toThrow('a Map cannot be passed on (at result.table)')
})

test('errors keep their fields', async () => {
  const failing = lab.run(() => {
    const cause = Object.assign(new RangeError('inner'), { errno: 3 })
    throw Object.assign(new TypeError('outer', { cause }), { code: 'ERR_SAMPLE', target: { fwmark: 7, count: 1n } })
  })
  await expect(failing).rejects.toMatchObject({
    name: 'TypeError',
    message: 'outer',
    code: 'ERR_SAMPLE',
    target: { fwmark: 7, count: 1n },
    cause: { name: 'RangeError', message: 'inner', errno: 3 },
  })
})

test('the stack of an error has the place in the lab and in the test', async () => {
  const error = await lab
    .run(() => {
      throw new Error('here')
    })
    .catch((reason: unknown) => reason as Error)
  expect(error).toHaveProperty(
    'stack',
    expect.stringMatching(/lab-job\.js[^]*in the lab; called from:[^]*lab\.test\.ts/),
  )
})

test('an uncaught error fails the job', async () => {
  const failing = lab.run(async ({ sleep }) => {
    setTimeout(() => {
      throw new Error('stray')
    }, 1)
    await sleep(100)
  })
  await expect(failing).rejects.toThrow('stray')
})

test('a job over its time limit fails, and the next one works', async () => {
  const endless = lab.run(() => new Promise(() => {}), undefined, { timeoutMs: 200 })
  await expect(endless).rejects.toMatchObject({ code: 'ERR_LAB_JOB_TIMEOUT' })
  await expect(lab.run(() => 'alive')).resolves.toBe('alive')
})

test('concurrent jobs run one after the other', async () => {
  const starts = Array.from({ length: 5 }, (_, index) =>
    lab.run(async ({ sleep }, given) => {
      const state = globalThis as { running?: number }
      state.running = (state.running ?? 0) + 1
      await sleep(20)
      const most = state.running
      state.running -= 1
      return { given, most }
    }, index),
  )
  expect(await Promise.all(starts)).toEqual([0, 1, 2, 3, 4].map((given) => ({ given, most: 1 })))
})

test('large results are complete', async () => {
  const bytes = await lab.run(() => new Uint8Array(4_000_000).fill(7))
  const expected = new Uint8Array(4_000_000).fill(7)
  expect(sha256(bytes)).toBe(sha256(expected))
})

test('output of a job does not affect its result', async () => {
  const printed = await lab.run(async ({ run }) => {
    console.log('{"id":1,"result":"forged"}')
    process.stdout.write('noise\n')
    return (await run('echo', ['quiet'])).stdout
  })
  expect(printed).toBe('quiet\n')
})

test('commands: status, streams, input, signal', async () => {
  const result = await lab.run(({ run }) => run('sh', ['-c', 'cat; echo oops >&2; exit 7'], { input: 'fed' }))
  expect(result).toEqual({ status: 7, stdout: 'fed', stderr: 'oops\n' })
  const killed = await lab.run(({ run }) => run('sh', ['-c', 'kill -TERM $$']))
  expect(killed).toMatchObject({ status: 143, signal: 'SIGTERM' })
  await expect(lab.run(({ sh }) => sh('echo why >&2; false'))).rejects.toThrow(/status 1 from: echo why[^]*why/)
})

test('a namespace is new, empty, and removed after the job', async () => {
  const inside = await lab.run(async ({ netns, sh, start }) => {
    const made = await netns()
    // Ends with the job; otherwise it would keep the namespace alive.
    start('sleep', ['1000'], { netns: made })
    const links = await sh('ip -o link', { netns: made })
    return { made, links, listed: await sh('ip netns list') }
  })
  expect(inside.made.path).toBe(`/run/netns/${inside.made.name}`)
  // Every namespace has the devices of loaded tunnel modules, such as tunl0, which are down.
  const links = inside.links.trim().split('\n')
  expect(links.filter((link) => !/@NONE: <NOARP>/.test(link))).toHaveLength(1)
  expect(inside.links).toContain('<LOOPBACK,UP,LOWER_UP>')
  expect(inside.listed).toContain(inside.made.name)
  const after = await lab.run(async ({ run, sh }) => ({
    listed: await sh('ip netns list'),
    sleepers: (await run('pgrep', ['-fx', 'sleep 1000'])).stdout,
  }))
  expect(after.listed).not.toContain(inside.made.name)
  expect(after.sleepers).toBe('')
})

test('node runs code from the root of the checkout', async () => {
  const result = await lab.run(({ node }) =>
    node(`console.log(process.argv[1]); console.log(import.meta.resolve('ipvs')); process.exit(3)`, {
      args: ['given'],
    }),
  )
  expect(result).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(/^given\nfile:.*\/dist\/index\.js\n$/) as string,
  })
})

test('the kernel has IPVS and nf_tables', async () => {
  const found = await lab.run(async ({ kernel, netns, sh }) => {
    const made = await netns()
    await sh('modprobe ip_vs')
    return {
      kernel,
      ipvs: await sh('cat /proc/net/ip_vs', { netns: made }),
      tables: await sh('nft add table inet lab; nft list tables', { netns: made }),
    }
  })
  expect(found.kernel).toEqual(lab.kernel)
  expect(found.ipvs).toMatch(/^IP Virtual Server version \d/)
  expect(found.tables).toBe('table inet lab\n')
})

test('a job that crashes the agent fails; the next one gets a new agent', async () => {
  const crash = lab.run(() => {
    console.error('last words')
    process.kill(process.pid, 'SIGSEGV')
  })
  await expect(crash).rejects.toThrow(/agent ended with status \d+[^]*last words/)
  await expect(lab.run(() => 'alive')).resolves.toBe('alive')
})
