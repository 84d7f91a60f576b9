// Worker threads run JavaScript only: the worker's module and what it imports, bundled into one file for this test file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'rolldown'
import { afterAll } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'director-worker-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The worker as it ships, without the addon. */
export async function bundledWorker(): Promise<URL> {
  const input = fileURLToPath(new URL('../../../src/health/worker.ts', import.meta.url))
  const file = join(folder, 'worker.mjs')
  await build({
    input,
    platform: 'node',
    external: ['ipvs'],
    output: { file, codeSplitting: false },
    logLevel: 'silent',
  })
  return pathToFileURL(file)
}

/** A worker with the given source. */
export function workerFrom(name: string, source: string): URL {
  const file = join(folder, `${name}.mjs`)
  writeFileSync(file, source)
  return pathToFileURL(file)
}
