// Files that are replaced as a whole: somebody who reads one finds the old text or the new one, also after a crash, a full disk or
// a loss of power.
import type { Stats } from 'node:fs'
import { lstat, open, readlink, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

type Code = string | undefined

const codeOf = (error: unknown): Code => (error as NodeJS.ErrnoException).code

const none = (error: unknown): undefined => {
  if (codeOf(error) !== 'ENOENT') throw error
}

interface Place {
  readonly path: string
  /** Of the file that is there. */
  readonly stats: Stats | undefined
}

/**
 * Where a name leads to through symbolic links, which stay. `undefined`: not to a regular file, or to a descriptor of a process
 * (`/dev/stdout`), whose file others write into as well.
 */
async function placeOf(file: string): Promise<Place | undefined> {
  const folder = await realpath(dirname(file))
  if (file.endsWith('/') || folder.startsWith('/proc/')) return undefined
  const path = join(folder, basename(file))
  const stats = await lstat(path).catch(none)
  if (stats?.isSymbolicLink() === true) return placeOf(resolve(folder, await readlink(path)))
  return stats === undefined || stats.isFile() ? { path, stats } : undefined
}

async function writeAside(aside: string, text: string, stats: Stats | undefined): Promise<void> {
  await using handle = await open(aside, 'wx', stats === undefined ? 0o666 : 0o600)
  if (stats !== undefined) {
    const own = await handle.stat()
    if (own.uid !== stats.uid || own.gid !== stats.gid) await handle.chown(stats.uid, stats.gid)
    await handle.chmod(stats.mode & 0o7777)
  }
  await handle.writeFile(text)
  await handle.sync()
}

// The new name is on the disk, too.
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder)
  await handle.sync()
}

// The folder is not ours, the file's owner cannot be kept, or the file is a mount point of its own, as in containers.
const impossible: ReadonlySet<Code> = new Set(['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV'])

/** Whether it could be done; if not, everything is as it was. */
async function replaced({ path, stats }: Place, text: string): Promise<boolean> {
  const folder = dirname(path)
  const aside = join(folder, `.ipvs-${process.pid}-${Math.random().toString(36).slice(2)}`)
  try {
    await writeAside(aside, text, stats)
    await rename(aside, path)
  } catch (error) {
    await unlink(aside).catch(() => undefined) // the first error is the one to tell
    if (stats !== undefined && impossible.has(codeOf(error))) return false
    throw error
  }
  await syncFolder(folder)
  return true
}

/**
 * Writes a file beside the old one and renames it, with the mode and owner of the old one. Devices, pipes and what cannot be
 * replaced are written in place.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  await stat(file).catch(none) // a circle of links ends here
  const place = await placeOf(file)
  if (place === undefined || !(await replaced(place, text))) await writeFile(file, text)
}
