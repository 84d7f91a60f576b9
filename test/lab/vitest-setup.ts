// Global setup of the integration tests: one lab for the whole run. A boot takes seconds, and vitest itself would take half a
// minute inside: so vitest runs on the host, and only the functions given to `lab.run` run in there.

import { statSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { chooseMode } from './agent-link.ts'
import { LabBroker } from './broker.ts'
import { say } from '../../lab/progress.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The broker's Unix socket. */
    labSocket: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = path.resolve(import.meta.dirname, '../..')
  warnIfOutdated(root)
  const mode = chooseMode()
  const broker = await LabBroker.start({ mode, root, kernel: process.env['IPVS_LAB_SERIES'] })
  say(mode === 'direct' ? `direct on this host, Linux ${broker.release}` : `Linux ${broker.release} under qemu`)
  project.provide('labSocket', broker.socketPath)
  // In watch mode the sources have changed then, and the guest may have kept what it had read.
  project.onTestsRerun(() => broker.restart())
  return () => broker.close()
}

/** The lab runs what has been compiled, which is easily forgotten. */
function warnIfOutdated(root: string): void {
  for (const [sources, compiled] of [
    ['lib', 'dist'],
    ['lab', 'out/lab'],
    ['test/lab', 'out/test/lab'],
    ['test/traffic', 'out/test/traffic'],
  ] as const) {
    const [newest, built] = [newestFile(path.join(root, sources)), newestFile(path.join(root, compiled))]
    if (newest > built) say(`warning: ${compiled}/ is older than ${sources}/; the lab runs the former. npm run build`)
  }
}

function newestFile(folder: string): number {
  try {
    // Tests themselves run on the host, as they are.
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (file) => !file.endsWith('.test.ts'),
    )
    return Math.max(0, ...files.map((file) => statSync(path.join(folder, file)).mtimeMs))
  } catch {
    return 0
  }
}
