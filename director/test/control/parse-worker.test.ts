import { expect, test, vi } from 'vitest'
import { parseSiteInWorker } from '../../src/control/parse-worker.ts'
import { exampleSite } from '../../src/site/example.ts'
import { parseSite } from '../../src/site/parse.ts'
import { SiteError } from '../../src/site/problems.ts'
import { bundledThread, threadFrom } from './support/parse-thread.ts'

// Each thread loads its modules.
vi.setConfig({ testTimeout: 60_000 })
const url = await bundledThread()

const rows = (count: number): string =>
  Array.from(
    { length: count },
    (_, index) => `      - { name: s${index}, address: 10.0.${index >> 8}.${index & 255} }`,
  ).join('\n')
const site = (servers: string): string => `version: 1
services:
  shop:
    virtual: { address: 172.16.0.100, protocol: tcp, port: 80 }
    servers:
${servers}
    checks: [{ tcp: {} }]
`

async function failureOf(parsing: Promise<unknown>): Promise<unknown> {
  return await parsing.then(
    () => undefined,
    (error: unknown) => error,
  )
}

test('a site and its warnings, as parseSite returns them', async () => {
  expect(await parseSiteInWorker(exampleSite, { url })).toEqual(parseSite(exampleSite))
  const doubtful = site(rows(1))
  const parsed = await parseSiteInWorker(doubtful, { url, file: 'doubtful.yaml' })
  expect(parsed.warnings.map(({ code, file }) => [code, file])).toEqual([['one-server', 'doubtful.yaml']])
})

test('10,000 servers', async () => {
  const text = site(rows(10_000))
  expect(await parseSiteInWorker(text, { url })).toEqual(parseSite(text))
})

test('all problems, as parseSite throws them', async () => {
  const text = site('      - { name: web1, adress: 10.0.0.7 }\n      - { name: web2, address: 10.0.0.256 }')
  const error = await failureOf(parseSiteInWorker(text, { url, file: 'bad.yaml' }))
  expect(error).toBeInstanceOf(SiteError)
  expect(() => parseSite(text, { file: 'bad.yaml' })).toThrow((error as SiteError).message)
  expect((error as SiteError).problems.map(({ line }) => line)).toEqual([6, 7])
})

test('a signal that has been aborted starts no thread', async () => {
  const reason = new Error('no longer wanted')
  const nowhere = new URL('file:///nonexistent.mjs')
  const error = await failureOf(parseSiteInWorker('', { url: nowhere, signal: AbortSignal.abort(reason) }))
  expect(error).toBe(reason)
})

// Rejects only after the end of the thread: a thread that goes on would keep this test waiting.
test('a signal ends the thread', async () => {
  const endless = threadFrom('endless', 'for (;;);')
  const reason = new Error('no longer wanted')
  const abort = new AbortController()
  const failing = failureOf(parseSiteInWorker('', { url: endless, signal: abort.signal }))
  abort.abort(reason)
  expect(await failing).toBe(reason)
})

test.each([
  ['throws', 'throw new Error("out of order")', 'out of order'],
  ['exits', 'process.exit(3)', 'it ended with status 3 and no answer'],
  ['needs too much memory', 'const all = []; for (;;) all.push({ number: all.length })', 'memory limit'],
])('a thread that %s', async (name, source, words) => {
  const failing = threadFrom(name.replaceAll(' ', '-'), source)
  const error = await failureOf(parseSiteInWorker('', { url: failing, heapMiB: 32 }))
  expect(error).not.toBeInstanceOf(SiteError)
  expect((error as Error).message).toContain('the thread that parses the site failed: ')
  expect((error as Error).message).toContain(words)
})
