// Where the daemon keeps its files, and writing them so that a crash leaves the old or the new content.
import { open, rename, rm } from 'node:fs/promises'
import path from 'node:path'

export interface Folders {
  /** Default `/run/ipvs-director`: control socket; kept over restarts. */
  readonly runtime: string
  /** Default `/var/lib/ipvs-director`: last good site, state. */
  readonly state: string
}

export const defaultFolders: Folders = { runtime: '/run/ipvs-director', state: '/var/lib/ipvs-director' }
export const defaultSiteFile = '/etc/ipvs-director/site.yaml'

export const controlSocket = ({ runtime }: Folders): string => path.join(runtime, 'control.sock')
export const siteCopy = ({ state }: Folders): string => path.join(state, 'site.json')
export const stateFile = ({ state }: Folders): string => path.join(state, 'state.json')

/** Replaces a file as a whole: a reader, and a start after a crash, finds the old or the new content. Mode 0600. */
export async function replaceFile(file: string, content: string): Promise<void> {
  const temporary = `${file}.new`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  // The rename is on the disk when the folder is.
  const folder = await open(path.dirname(file), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
