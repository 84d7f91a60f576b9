import { expect, test } from 'vitest'

import { runNode } from './process.ts'

test('close() finishes what runs, refuses what waits, and can be called again', async () => {
  const ended = await runNode(`
    const session = new binding.IpvsSession({ sockets: [testing.socketpair()[0]] })
    const running = session.open({ id: 1, timeoutMs: 300 })
    const waiting = session.open({ id: 2, timeoutMs: 300 })
    await new Promise((resolve) => setTimeout(resolve, 50))
    const closed = [session.close(), session.close()]
    const after = session.open({ id: 3, timeoutMs: 300 })
    const kinds = (await Promise.all([running, waiting, after])).map((reply) => reply.failures[0].kind)
    await Promise.all(closed)
    console.log(kinds.join(' '))
  `)
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'timeout closed closed', stderr: '' })
})

test('abort() ends a running call and takes a waiting one out', async () => {
  const ended = await runNode(`
    const session = new binding.IpvsSession({ sockets: [testing.socketpair()[0], testing.socketpair()[0]] })
    const calls = [1, 2, 3].map((id) => session.open({ id, timeoutMs: id === 3 ? 200 : 60_000 }))
    await new Promise((resolve) => setTimeout(resolve, 50))
    session.abort(2)
    session.abort(1)
    session.abort(99)
    const kinds = (await Promise.all(calls)).map((reply) => reply.failures[0].kind)
    await session.close()
    console.log(kinds.join(' '))
  `)
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'aborted aborted timeout', stderr: '' })
})
