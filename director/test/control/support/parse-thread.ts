// Worker threads run JavaScript only: the thread's module, bundled, in a folder that looks like the package to the addon's loader.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'rolldown'
import { afterAll } from 'vitest'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'director-parse-'))
for (const name of ['build', 'node_modules', 'package.json']) symlinkSync(join(root, name), join(folder, name))
mkdirSync(join(folder, 'dist'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The thread as it ships. */
export async function bundledThread(): Promise<URL> {
  const file = join(folder, 'dist', 'parse-thread.mjs')
  await build({
    input: join(root, 'director/src/control/parse-thread.ts'),
    platform: 'node',
    resolve: { alias: { 'ipvs/state': join(root, 'state/index.ts'), ipvs: join(root, 'lib/index.ts') } },
    external: ['node-gyp-build', 'yaml', 'zod'],
    output: { file, codeSplitting: false },
    logLevel: 'silent',
  })
  return pathToFileURL(file)
}

/** A thread with the given source. */
export function threadFrom(name: string, source: string): URL {
  const file = join(folder, 'dist', `${name}.mjs`)
  writeFileSync(file, source)
  return pathToFileURL(file)
}
