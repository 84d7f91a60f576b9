import { expect, test } from 'vitest'

import { prelude, runNode } from './process.ts'

const inWorkers = (rounds: number, body: string): string => `
  const { Worker } = require('node:worker_threads')
  let before
  const source = ${JSON.stringify(prelude)} + ${JSON.stringify(body)} + ';require("node:worker_threads").parentPort.postMessage("up"); setInterval(() => {}, 1000)'
  let longest = 0
  for (let round = 0; round <= ${rounds}; round++) {
    if (round === 1) before = [count('fd'), count('task')] // the first worker makes node open things of its own
    const worker = new Worker(source, { eval: true })
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    const start = performance.now()
    await worker.terminate()
    longest = Math.max(longest, performance.now() - start)
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  console.log(JSON.stringify({ longest, leaked: [count('fd') - before[0], count('task') - before[1]] }))
`

test('a worker is terminated with calls in flight: no crash, no hang, no thread left', async () => {
  const ended = await runNode(
    inWorkers(
      40,
      `
    const fds = Array.from({ length: 5 }, () => testing.socketpair())
    globalThis.sessions = fds.map(([ours]) => new binding.IpvsSession({ sockets: [ours] }))
    for (const session of sessions) for (let i = 0; i < 10; i++) session.open(call(i))
  `,
    ),
  )
  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  const { longest, leaked } = JSON.parse(ended.stdout) as { longest: number; leaked: [number, number] }
  expect(longest).toBeLessThan(10_000) // each call would take 60 s
  expect(leaked[0]).toBe(40 * 5) // the far ends of the socket pairs are the test's own
  expect(leaked[1]).toBeLessThanOrEqual(0)
})

test('every environment has its own state', async () => {
  const ended = await runNode(`
    const main = new binding.IpvsSession({})
    await main.open(call(1))
    ${inWorkers(5, 'globalThis.session = new binding.IpvsSession({}); session.open(call(1))')}
    const reply = await main.open(call(2))
    console.log(Array.isArray(reply.failures))
    await main.close()
  `)
  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(ended.stdout.split('\n').at(-1)).toBe('true')
})
