// Readers of the connection table, on a file in its format: no kernel is needed to leak.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { addon, runNode } from './process.ts'

const folder = mkdtempSync(join(tmpdir(), 'ipvs-connections-'))
const file = join(folder, 'ip_vs_conn')
const ROWS = 200_000

const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0')

const line = (index: number) =>
  `TCP ${hex(0x0a000000 + index, 8)} ${hex(1024, 4)} AC100064 0050 0A020002 1F90 ESTABLISHED ${String(index % 900).padStart(7)}\n`

beforeAll(() => {
  const header = 'Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n'
  writeFileSync(file, header + Array.from({ length: ROWS }, (_, index) => line(index)).join(''))
})
afterAll(() => rmSync(folder, { recursive: true }))

// What is left of a hundred readers after `body` was done with each. They read ahead when they have read a mebibyte.
const left = (body: string): string => `
  const open = () => new binding.ConnectionReader({}, { file: ${JSON.stringify(file)}, ahead: true })
  const pull = (reader, id = 1) => reader.pull(call(id), 32768, 1)
  const round = async () => { for (let i = 0; i < 20; i++) { ${body} } }
  await round()
  const before = [count('fd'), count('task')]
  for (let i = 0; i < 5; i++) await round()
  for (let i = 0; i < 100 && (count('fd') > before[0] || count('task') > before[1]); i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  console.log(Math.max(0, count('fd') - before[0]), Math.max(0, count('task') - before[1]))
`
const nothing = { code: 0, signal: null, stdout: '0 0', stderr: '' }

test('readers that were closed half-way leave no descriptor and no thread', async () => {
  const ended = await runNode(left('const reader = open(); await pull(reader); await reader.close()'))
  expect(ended).toEqual(nothing)
})

test('readers that were closed while they read', async () => {
  const ended = await runNode(
    left('const reader = open(); const reply = pull(reader); await reader.close(); await reply'),
  )
  expect(ended).toEqual(nothing)
})

test('readers that were aborted', async () => {
  const ended = await runNode(
    left(`
      const reader = open()
      await pull(reader)
      const reply = reader.pull(call(2), ${ROWS}, ${ROWS})
      reader.abort(2)
      await reply
    `),
    '--expose-gc',
  )
  expect(ended).toEqual(nothing)
})

test('readers that were forgotten half-way are collected', async () => {
  const ended = await runNode(left('await pull(open())'), '--expose-gc')
  expect(ended).toEqual(nothing)
})

test('a reader that reads is not collected, and neither are its rows', async () => {
  const ended = await runNode(
    `
    const reply = new binding.ConnectionReader({}, { file: ${JSON.stringify(file)} }).pull(call(1), ${ROWS}, 1)
    for (let i = 0; i < 10; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)) }
    const { rows } = await reply
    for (let i = 0; i < 10; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 1)) }
    console.log(new Uint32Array(rows).includes(6))
  `,
    '--expose-gc',
  )
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'true', stderr: '' })
})

test('a process may exit, and a worker thread may be terminated, while a reader reads', async () => {
  const ended = await runNode(`
    const { Worker } = require('node:worker_threads')
    const code = \`
      const binding = require(${JSON.stringify(addon)})
      const reader = new binding.ConnectionReader({}, { file: ${JSON.stringify(file)}, ahead: true })
      const pull = () => reader.pull({ id: 1, timeoutMs: 60000 }, ${ROWS}, ${ROWS})
      pull()
      require('node:worker_threads').parentPort.postMessage('started')
    \`
    for (let i = 0; i < 5; i++) {
      const worker = new Worker(code, { eval: true })
      await new Promise((resolve) => worker.once('message', resolve))
      await worker.terminate()
    }
    const reader = new binding.ConnectionReader({}, { file: ${JSON.stringify(file)}, ahead: true })
    reader.pull(call(1), ${ROWS}, ${ROWS})
    console.log('exits')
    process.exit(0)
  `)
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'exits', stderr: '' })
})

test('a reader refuses a second call while the first one is running', async () => {
  const ended = await runNode(`
    const reader = new binding.ConnectionReader({}, { file: ${JSON.stringify(file)} })
    const pull = () => reader.pull(call(1), ${ROWS}, ${ROWS})
    const first = pull()
    try { pull() } catch (error) { console.log(error.message) }
    await first
    await pull()
    await reader.close()
  `)
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'ipvs: the reader is busy with another call', stderr: '' })
})

test('while a large table is read, the event loop is free', async () => {
  const ended = await runNode(`
    const { monitorEventLoopDelay } = require('node:perf_hooks')
    const reader = new binding.ConnectionReader({}, { file: ${JSON.stringify(file)} })
    let [turns, reading] = [0, true]
    const turn = () => { turns++; if (reading) setImmediate(turn) }
    turn()
    let rows = 0
    for (let done = false; !done; ) {
      const reply = await reader.pull(call(1), 16384, 1)
      rows += reply.rows.byteLength / 64
      done = reply.done
    }
    reading = false
    console.log(rows, turns > 13)
    await reader.close()
  `)
  expect(ended).toEqual({ code: 0, signal: null, stdout: `${ROWS} true`, stderr: '' })
})
