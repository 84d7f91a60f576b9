import { expect, test } from 'vitest'

import { runNode } from './process.ts'

test('an idle session does not keep the process alive', async () => {
  const ended = await runNode(`
    globalThis.session = new binding.IpvsSession({})
    await session.open(call(1))
    console.log('idle')
  `)
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'idle', stderr: '' })
})

test('a pending call does keep it alive', async () => {
  const ended = await runNode(`
    const session = mute()
    const reply = await session.open({ id: 1, timeoutMs: 300 })
    console.log(reply.failures[0].kind)
  `)
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'timeout', stderr: '' })
})

test('process.exit() with a call in flight ends at once', async () => {
  const start = performance.now()
  const ended = await runNode(`
    mute().open(call(1)).then(() => console.log('never'))
    setTimeout(() => process.exit(7), 100)
  `)
  expect(ended).toEqual({ code: 7, signal: null, stdout: '', stderr: '' })
  expect(performance.now() - start).toBeLessThan(20_000) // the call would take 60 s
})

test('an uncaught error with a call in flight ends the process with that error', async () => {
  const ended = await runNode(`
    void mute().open(call(1))
    setTimeout(() => { throw new Error('boom') }, 50)
  `)
  expect(ended.code).toBe(1)
  expect(ended.signal).toBeNull()
  expect(ended.stderr).toContain('boom')
})
