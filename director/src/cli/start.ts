// Starts the parts of the daemon for `run`, `apply` and `plan`.
import { mkdir } from 'node:fs/promises'
import { Checks } from '../control/checks.ts'
import { Director } from '../control/director.ts'
import { Events } from '../control/events.ts'
import { siteCopy, stateFile } from '../control/files.ts'
import { openKernel } from '../control/kernel.ts'
import { takeLock } from '../control/lock.ts'
import { SiteFile } from '../control/site-file.ts'
import { Store } from '../control/store.ts'
import type { HealthSource } from '../control/health-source.ts'
import { foldersOf, type FileOptions } from './options.ts'
import { parse } from './parse.ts'
import { version } from './version.ts'

export interface Started {
  readonly director: Director
  readonly events: Events
  /** Stops deciding and probing, and closes all. The kernel's table stays as it is. */
  readonly end: () => Promise<void>
}

/** Takes the lock, reads state and site, opens the kernel. Throws `AlreadyRunning`, `SiteRefused`, `StoreError`, `IpvsError`. */
export async function prepare(options: FileOptions): Promise<Started> {
  const folders = foldersOf(options)
  const ends: (() => unknown)[] = []
  // In the opposite order of their beginning.
  const end = async (): Promise<void> => {
    for (const each of ends.splice(0).toReversed()) await each()
  }
  try {
    const lock = await takeLock()
    ends.push(() => lock[Symbol.dispose]())
    await mkdir(folders.state, { recursive: true, mode: 0o700 })
    const store = await Store.open(stateFile(folders))
    const siteFile = new SiteFile(options.config, siteCopy(folders), parse)
    const loaded = await siteFile.readOrCopy()
    const kernel = await openKernel()
    ends.push(() => kernel[Symbol.asyncDispose]())
    const events = new Events()
    const health = (changed: () => void): HealthSource => new Checks({ events, changed })
    const director = new Director({ version, kernel, events, store, siteFile, loaded, health })
    ends.push(() => director.stop())
    return { director, events, end }
  } catch (error) {
    await end()
    throw error
  }
}
