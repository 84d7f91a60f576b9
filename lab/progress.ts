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
