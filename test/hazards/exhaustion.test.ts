import { expect, test } from 'vitest'

import { runNode } from './process.ts'

test('without descriptors left, calls fail with EMFILE and nothing crashes', async () => {
  const ended = await runNode(`
    const { openSync } = require('node:fs')
    const early = new binding.IpvsSession({})
    await early.close()
    try { for (;;) openSync('/dev/null') } catch (error) { if (error.code !== 'EMFILE') throw error }
    const reply = await new binding.IpvsSession({}).open(call(1))
    console.log(JSON.stringify(reply.failures))
  `)
  expect({ ...ended, stdout: '' }).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  expect(JSON.parse(ended.stdout)).toEqual([{ index: 0, kind: 'local', errno: 24, unknown: false, rest: true }])
})
