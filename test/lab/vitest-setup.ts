// Global setup of the tests on a real kernel: one lab for each worker of vitest. A boot takes seconds, and vitest itself would need
// half a minute in the guest: so vitest runs on the host, and only functions given to `lab.run` run in the lab.

import { statSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { LabBroker } from './broker.ts'
import { chooseMode } from './mode.ts'
import { say } from '../../lab/progress.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Unix sockets of the brokers, one for each worker. */
    labSockets: string[]
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const root = path.resolve(import.meta.dirname, '../..')
  warnIfOutdated(root)
  const mode = chooseMode()
  const count = project.config.maxWorkers
  // A virtual CPU takes a core of the host, and a machine with two is hardly faster: so of several labs each has one.
  const options = { mode, root, kernel: process.env['IPVS_LAB_SERIES'], cpus: count > 1 ? 1 : 2 }
  const brokers = await Promise.all(Array.from({ length: count }, () => LabBroker.start(options)))
  const close = async (): Promise<void> => {
    await Promise.all(brokers.map((broker) => broker.close()))
  }
  try {
    // What keeps a lab from booting ends the run here. The others boot when they are needed.
    await brokers[0]?.boot()
  } catch (error) {
    await close()
    throw error
  }
  project.provide(
    'labSockets',
    brokers.map((broker) => broker.socketPath),
  )
  // In watch mode sources have changed, and the guest may have loaded older files.
  project.onTestsRerun(async () => {
    for (const broker of brokers) broker.restart()
  })
  return close
}

/** The lab runs compiled files: warns if they are older than their sources. */
function warnIfOutdated(root: string): void {
  for (const [sources, compiled] of [
    ['lib', 'dist'],
    ['director/src', 'director/dist'],
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
