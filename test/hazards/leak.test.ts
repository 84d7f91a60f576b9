import { expect, test } from 'vitest'

import { runNode } from './process.ts'

interface Leaked {
  readonly fds: number
  readonly threads: number
}

const measured = (body: string): string => `
  const round = async () => { ${body} }
  await round()
  const before = [count('fd'), count('task')]
  await round()
  for (let i = 0; i < 50 && (count('fd') > before[0] || count('task') > before[1]); i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  console.log(JSON.stringify({ fds: count('fd') - before[0], threads: count('task') - before[1] }))
`

test('sessions that were closed leave no descriptor and no thread', async () => {
  const ended = await runNode(
    measured(`
      for (let i = 0; i < 100; i++) {
        const session = new binding.IpvsSession({})
        await session.open(call(1))
        await session.close()
      }
    `),
  )
  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(JSON.parse(ended.stdout) as Leaked).toEqual({ fds: 0, threads: 0 })
})

// Whether the namespace may be entered or not.
test.for([
  ['closed', 'netns.close()'],
  ['abandoned', ''],
])('namespaces that were %s leave no descriptor', async ([, end]) => {
  const ended = await runNode(
    measured(`
      for (let i = 0; i < 100; i++) {
        const netns = new binding.Namespace('/proc/self/ns/net')
        const session = new binding.IpvsSession({ netns })
        await session.open(call(1))
        await session.close()
        ${end}
      }
    `),
    '--expose-gc',
  )
  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect((JSON.parse(ended.stdout) as Leaked).fds).toBeLessThanOrEqual(0)
})

test('sessions that were abandoned are collected with their descriptors and threads', async () => {
  const ended = await runNode(
    measured(`
      const calls = []
      for (let i = 0; i < 100; i++) calls.push(new binding.IpvsSession({}).open(call(1)))
      await Promise.all(calls)
    `),
    '--expose-gc',
  )
  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  const { fds, threads } = JSON.parse(ended.stdout) as Leaked
  expect(fds).toBeLessThanOrEqual(0)
  expect(threads).toBeLessThanOrEqual(0)
})

test('a session with a call in flight is not collected', async () => {
  const ended = await runNode(
    `
    const reply = new binding.IpvsSession({ sockets: [testing.socketpair()[0]] }).open({ id: 1, timeoutMs: 500 })
    for (let i = 0; i < 10; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 20)) }
    console.log((await reply).failures[0].kind)
  `,
    '--expose-gc',
  )
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'timeout', stderr: '' })
})

test('descriptors are not inherited by children', async () => {
  const ended = await runNode(`
    const { execFileSync } = require('node:child_process')
    const list = () => execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' }).split('\\n').filter((line) => /socket|eventfd/.test(line)).length
    const before = list()
    const session = new binding.IpvsSession({})
    await session.open(call(1))
    console.log(list() - before)
    await session.close()
  `)
  expect(ended).toEqual({ code: 0, signal: null, stdout: '0', stderr: '' })
})
