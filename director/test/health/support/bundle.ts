// Worker threads run JavaScript only: the worker's module and what it imports, bundled into one file for this test file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'rolldown'
import { afterAll } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'director-worker-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A file below director/test/health, with what it imports. The addon stays outside. */
export async function bundled(name: string, path: string): Promise<URL> {
  const input = fileURLToPath(new URL(path, new URL('../', import.meta.url)))
  const file = join(folder, `${name}.mjs`)
  await build({
    input,
    platform: 'node',
    external: ['ipvs'],
    output: { file, codeSplitting: false },
    logLevel: 'silent',
  })
  return pathToFileURL(file)
}

/** The worker as it ships, without the addon. */
export async function bundledWorker(): Promise<URL> {
  return await bundled('worker', '../../src/health/worker.ts')
}

/** The worker in pieces, as imports load them: the folder, and the entry. */
export async function splitWorker(): Promise<{ readonly dir: string; readonly url: URL }> {
  const dir = mkdtempSync(join(folder, 'split-'))
  const input = fileURLToPath(new URL('../../../src/health/worker.ts', import.meta.url))
  const output = { dir, entryFileNames: 'worker.mjs', chunkFileNames: '[name].mjs' }
  await build({ input, platform: 'node', external: ['ipvs'], output, logLevel: 'silent' })
  return { dir, url: pathToFileURL(join(dir, 'worker.mjs')) }
}

/** A worker with the given source. */
export function workerFrom(name: string, source: string): URL {
  const file = join(folder, `${name}.mjs`)
  writeFileSync(file, source)
  return pathToFileURL(file)
}
