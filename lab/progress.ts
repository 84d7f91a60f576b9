// Progress messages of the lab, always on stderr, because stdout belongs to the command.

import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { printable } from './printable.ts'

/** Prints one line. */
export function say(line: string): void {
  process.stderr.write(printable(`lab: ${line}\n`))
}

/** Awaits `work`; on a terminal the line shows the growth of `folder`, elsewhere it is printed once. */
export async function showDownload(
  what: string,
  folder: string,
  totalBytes: number,
  work: Promise<void>,
): Promise<void> {
  const total = megabytes(totalBytes)
  if (!process.stderr.isTTY) {
    say(`downloading ${what} (${total} MB)`)
    return work
  }
  const draw = (): void => {
    process.stderr.write(`\rlab: downloading ${what}: ${megabytes(folderBytes(folder))} of ${total} MB\u001B[K`)
  }
  const timer = setInterval(draw, 200)
  try {
    draw()
    await work
    draw()
  } finally {
    clearInterval(timer)
    process.stderr.write('\n')
  }
}

/** Awaits `work`, which reports a number; on a terminal the line shows it, elsewhere a line is printed each minute. */
export async function showCounter(
  what: string,
  work: (report: (count: number) => void) => Promise<void>,
): Promise<void> {
  let count = 0
  const terminal = process.stderr.isTTY
  const draw = (): void => {
    if (terminal) process.stderr.write(`\rlab: ${what}: ${count}\u001B[K`)
    else say(`${what}: ${count}`)
  }
  const timer = setInterval(draw, terminal ? 200 : 60_000)
  try {
    draw()
    await work((now) => (count = now))
    draw()
  } finally {
    clearInterval(timer)
    if (terminal) process.stderr.write('\n')
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)
}

function folderBytes(folder: string): number {
  let sum = 0
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    // Apt renames files meanwhile.
    sum += statSync(path.join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return sum
}
