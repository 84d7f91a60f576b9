// Files of the daemon: state.json, the site file and its copy, the lock.
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AlreadyRunning, takeLock } from '../../src/control/lock.ts'
import { SiteFile, SiteRefused, type ParseSite } from '../../src/control/site-file.ts'
import { Store, StoreError } from '../../src/control/store.ts'
import type { Override } from '../../src/desired/inputs.ts'
import type { Site } from '../../src/site/site.ts'

let folder: string
const at = (name: string): string => path.join(folder, name)
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'director-files-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const drain: Override = { kind: 'drain', target: 'web1', who: 'anna', why: 'disk', since: 1000, until: undefined }

test('the state is the same after a restart, and the file is always whole', async () => {
  const store = await Store.open(at('state.json'))
  expect(store.kept).toEqual({ overrides: [], memory: { marks: {} }, owned: [] })
  const writes = [
    store.update(() => ({ overrides: [drain] })),
    store.update(() => ({ memory: { marks: { shop: 10_000 } } })),
    store.update(() => ({ owned: ['mark:10000'] })),
  ]
  await Promise.all(writes)
  const again = await Store.open(at('state.json'))
  expect(again.kept).toEqual({ overrides: [drain], memory: { marks: { shop: 10_000 } }, owned: ['mark:10000'] })
  expect(readdirSync(folder)).toEqual(['state.json'])
})

test.each(['', '{', '{"version":2}', '{"version":1,"overrides":[],"memory":{"marks":{"a":0}},"owned":[]}', '[]'])(
  'damaged state %j is an error that says what to do',
  async (text) => {
    writeFileSync(at('state.json'), text)
    await expect(Store.open(at('state.json'))).rejects.toThrow(StoreError)
    await expect(Store.open(at('state.json'))).rejects.toThrow(/restore it from a backup/)
    expect(readFileSync(at('state.json'), 'utf8')).toBe(text)
  },
)

test('a failed write is an error, and changes nothing', async () => {
  const store = await Store.open(at('gone/state.json'))
  await expect(store.update(() => ({ owned: ['mark:7'] }))).rejects.toThrow(/ENOENT/)
  expect(store.kept.owned).toEqual([])
})

const parse: ParseSite = async (text) => {
  if (text !== 'good') throw Object.assign(new Error('bad'), { problems: ['one', 'two'] })
  return {
    site: { services: [], brake: undefined, drift: 'repair', control: undefined } satisfies Site,
    warnings: ['w'],
  }
}

test('a good site, then a bad file: the copy is used, with the problems of the file', async () => {
  const file = new SiteFile(at('site.yaml'), at('copy'), parse)
  await expect(file.readOrCopy()).rejects.toThrow(SiteRefused)
  writeFileSync(at('site.yaml'), 'good')
  const loaded = await file.readOrCopy()
  expect(loaded).toMatchObject({ text: 'good', warnings: ['w'], refused: [] })
  await file.keep(loaded)
  writeFileSync(at('site.yaml'), 'worse')
  await expect(file.read()).rejects.toMatchObject({ problems: ['one', 'two'] })
  expect(await file.readOrCopy()).toMatchObject({ text: 'good', refused: ['one', 'two'] })
  rmSync(at('site.yaml'))
  expect((await file.readOrCopy()).refused).toEqual([expect.stringMatching(/ENOENT/)])
})

test('a site is refused if the daemon cannot do what it says', async () => {
  const site = { services: [{ name: 'a', servers: [], checks: { checks: [] }, serversFrom: { dns: 'x' }, drain: {} }] }
  const file = new SiteFile(at('site.yaml'), at('copy'), async () => ({ site: site as unknown as Site, warnings: [] }))
  writeFileSync(at('site.yaml'), 'any')
  await expect(file.read()).rejects.toMatchObject({
    problems: [expect.stringMatching(/serversFrom: not supported yet/)],
  })
})

test('an unchanged file is not parsed again', async () => {
  let parsed = 0
  const file = new SiteFile(at('site.yaml'), at('copy'), async (_, name) => {
    parsed += 1
    return parse('good', name)
  })
  writeFileSync(at('site.yaml'), 'good')
  const first = await file.read()
  expect(await file.read()).toBe(first)
  writeFileSync(at('site.yaml'), 'good too')
  expect((await file.read()).text).toBe('good too')
  expect(parsed).toBe(2)
})

test('a replaced file is noticed', async () => {
  writeFileSync(at('site.yaml'), 'good')
  const file = new SiteFile(at('site.yaml'), at('copy'), parse)
  const changed = new Promise<string>((resolve) => file.watch(() => resolve('changed'), resolve))
  writeFileSync(at('site.yaml.new'), 'good ')
  renameSync(at('site.yaml.new'), at('site.yaml'))
  expect(await changed).toBe('changed')
  file.close()
})

test('a folder that cannot be watched is told', () => {
  const told: string[] = []
  const file = new SiteFile(at('gone/site.yaml'), at('copy'), parse)
  file.watch(
    () => {},
    (problem) => told.push(problem),
  )
  expect(told).toEqual([expect.stringMatching(/gone: ENOENT.*use "reload" or SIGHUP/)])
  file.close()
})

test('the lock is for one process, and free when it ends', async () => {
  const lock = await takeLock()
  await expect(takeLock()).rejects.toThrow(AlreadyRunning)
  const code = `require('node:net').createServer().listen('\\0ipvs-director').on('error', (e) => console.log(e.code))`
  const other = await new Promise<string>((resolve) =>
    execFile(process.execPath, ['-e', code], (_, text) => resolve(text)),
  )
  expect(other).toBe('EADDRINUSE\n')
  lock[Symbol.dispose]()
  await new Promise(setImmediate)
  const again = await takeLock()
  again[Symbol.dispose]()
})
