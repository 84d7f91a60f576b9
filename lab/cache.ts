// The lab's folder in the user's cache. A kernel is built in a temporary folder and renamed at the end, so every existing kernel
// is complete. A lock prevents two labs from building the same kernel.

import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { once } from 'node:events'
import { LabUsageError } from './host.ts'

export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME']
  const folder = path.join(base !== undefined && base !== '' ? base : path.join(homedir(), '.cache'), 'ipvs-lab')
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new LabUsageError(`cannot create ${folder} for the lab's kernels (${String(error)}); set XDG_CACHE_HOME`)
  }
  return folder
}

/**
 * Runs `work` while holding the lock `name`. A child process holds it, because Node cannot lock files, and releases it when its
 * stdin ends: so the lock ends with this process in every case.
 */
export async function withLock<T>(name: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const file = path.join(cacheFolder(), `${name}.lock`)
  const waiting = setTimeout(onWait, 1000)
  const holder = spawn('flock', ['--no-fork', file, 'sh', '-c', 'echo locked; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  // An interrupt from the terminal ends the holder as well; ignore the broken pipe.
  holder.stdin.on('error', () => {})
  const exited = once(holder, 'exit')
  try {
    const locked = await Promise.race([once(holder.stdout, 'data').then(() => true), exited.then(() => false)])
    if (!locked) throw new Error(`cannot lock ${file}`)
    clearTimeout(waiting)
    return await work()
  } finally {
    clearTimeout(waiting)
    holder.stdin.end()
    await exited
  }
}

const unfinishedMark = '.unfinished-'

/** Creates a folder to build `name` in, and removes folders of killed labs. Call it with the lock held. */
export function unfinishedFolder(name: string): string {
  const cache = cacheFolder()
  const prefix = `${name}${unfinishedMark}`
  for (const entry of readdirSync(cache)) {
    if (entry.startsWith(prefix)) rmSync(path.join(cache, entry), { recursive: true, force: true })
  }
  const folder = path.join(cache, `${prefix}${process.pid}`)
  mkdirSync(folder)
  return folder
}
