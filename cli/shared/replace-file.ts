// Replaces files as a whole: a reader finds the old text or the new text, also after a crash, with a full disk, or after a loss of
// power.
import type { Stats } from 'node:fs'
import { lstat, open, readlink, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { systemProblem } from './system-error.ts'

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
 * The file behind a name and its symbolic links, which stay. `undefined`: it is no regular file, or a descriptor of a process
 * (`/dev/stdout`), into whose file other programs write as well.
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

// Makes the new name survive a loss of power. The file is replaced already, so the error says that.
async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder)
    await handle.sync()
  } catch (cause) {
    const problem = `was written, but a loss of power may bring back what was there before: its folder cannot be synced`
    throw Object.assign(new Error(`${problem}: ${systemProblem(cause)}`, { cause }), { code: codeOf(cause) })
  }
}

// The folder is not ours, the file's owner cannot be kept, or the file is a mount point of its own, as in containers.
const impossible: ReadonlySet<Code> = new Set(['EACCES', 'EPERM', 'EROFS', 'EBUSY', 'EXDEV'])

/** Returns false if the file can only be written in place; nothing is changed then. */
async function replaced({ path, stats }: Place, text: string): Promise<boolean> {
  const folder = dirname(path)
  const aside = join(folder, `.ipvs-${process.pid}-${Math.random().toString(36).slice(2)}`)
  try {
    await writeAside(aside, text, stats)
    await rename(aside, path)
  } catch (error) {
    await unlink(aside).catch(() => undefined) // the first error is reported
    if (stats !== undefined && impossible.has(codeOf(error))) return false
    throw error
  }
  await syncFolder(folder)
  return true
}

/**
 * Writes a file beside the old one and renames it, with the mode and owner of the old one. Devices, pipes and files that cannot be
 * replaced are written in place.
 *
 * After an error the old text is there, with two exceptions: a file that is written in place may have a part of the new text, and
 * a file whose folder cannot be synced has the new text; the error says so.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  await stat(file).catch(none) // a circle of links ends here
  const place = await placeOf(file)
  if (place === undefined || !(await replaced(place, text))) await writeFile(file, text)
}
