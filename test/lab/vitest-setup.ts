// Global setup of the integration tests: one lab for the whole run. A boot takes seconds, and vitest itself would need half a
// minute in the guest: so vitest runs on the host, and only functions given to `lab.run` run in the lab.

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
  const places = { direct: 'directly on this host', qemu: 'in qemu', uml: 'as a program (User-Mode Linux)' }
  say(`Linux ${broker.release} ${places[mode]}`)
  project.provide('labSocket', broker.socketPath)
  // In watch mode sources have changed, and the guest may have loaded older files.
  project.onTestsRerun(() => broker.restart())
  return () => broker.close()
}

/** The lab runs compiled files: warns if they are older than their sources. */
function warnIfOutdated(root: string): void {
  for (const [sources, compiled] of [
    ['lib', 'dist'],
    ['lab', 'out/lab'],
    ['test/lab', 'out/test/lab'],
    ['test/traffic', 'out/test/traffic'],
  ] as const) {
    const [newest, built] = [newestFile(path.join(root, sources)), newestFile(path.join(root, compiled))]
    if (newest > built)
      say(`warning: ${compiled}/ is older than ${sources}/, and the lab runs ${compiled}/. Run npm run build`)
  }
}

function newestFile(folder: string): number {
  try {
    // Test files run on the host, uncompiled.
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (file) => !file.endsWith('.test.ts'),
    )
    return Math.max(0, ...files.map((file) => statSync(path.join(folder, file)).mtimeMs))
  } catch {
    return 0
  }
}
