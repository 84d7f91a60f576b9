// Temporary folders that do not outlive their process for long.

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** Makes a private folder, and removes the folders with this prefix whose process was killed. */
export function temporaryFolder(prefix: string): string {
  for (const entry of readdirSync(tmpdir())) {
    const owner = entry.startsWith(prefix) ? /^\d+/.exec(entry.slice(prefix.length))?.[0] : undefined
    const isStale = owner !== undefined && !existsSync(`/proc/${owner}`)
    if (isStale) removeFolder(path.join(tmpdir(), entry))
  }
  return mkdtempSync(path.join(tmpdir(), `${prefix}${process.pid}-`))
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}
