// Where a command writes and reads: the process's own, or a test's.
import { writeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { printable } from '../../lab/printable.ts'
import { systemProblem } from './system-error.ts'

export interface Output {
  out(text: string): void
  error(text: string): void
  readonly input: Readable
  /** Whether a person looks at it: then there are colours, and watching refreshes in place. */
  readonly terminal: boolean
}

/** Standard output takes nothing. */
export class OutputError extends Error {
  /** Nobody reads it any more. */
  readonly readerGone: boolean

  constructor(cause: unknown) {
    super(`cannot write to standard output: ${systemProblem(cause)}`, { cause })
    this.readerGone = (cause as NodeJS.ErrnoException).code === 'EPIPE'
  }
}

const PAUSE_MS = 5
const sleeper = new Int32Array(new SharedArrayBuffer(4))

// At once, and without Node's streams: those take time to open and report what failed when it is too late to stop for it.
function write(descriptor: 1 | 2, text: string): void {
  let rest: Uint8Array = Buffer.from(text)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest))
    } catch (error) {
      // Somebody who has the same pipe or terminal made it non-blocking.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(sleeper, 0, 0, PAUSE_MS)
    }
  }
}

function writeOut(text: string): void {
  try {
    write(1, text)
  } catch (cause) {
    throw new OutputError(cause)
  }
}

/**
 * The process's own, for `adm`. Nothing that was read somewhere reaches a terminal, a file or a pipe with control characters in
 * it.
 */
export const plainOutput: Output = {
  out: (text) => writeOut(printable(text)),
  error: (text) => {
    try {
      write(2, printable(text))
    } catch {
      // There is nowhere left to say so. The exit status does.
    }
  },
  // Opened when they are used: the lab must not open them.
  get terminal() {
    return process.stdout.isTTY
  },
  get input() {
    return process.stdin
  },
}

// What `emphasis` and watching add to the text of a terminal.
// oxlint-disable-next-line no-control-regex -- those are what it is about
const styles = /(\u001B\[(?:1|2|22|31|32|33|39)m|^\u001B\[H\u001B\[2J)/

function styled(text: string): string {
  return text
    .split(styles)
    .map((part, index) => (index % 2 === 0 ? printable(part) : part))
    .join('')
}

/** The same with our styles, on a terminal. Cells of tables and findings cannot have any: they are escaped before. */
export const styledOutput: Output = {
  out: (text) => writeOut(styledOutput.terminal ? styled(text) : printable(text)),
  error: (text) => plainOutput.error(text),
  get terminal() {
    return plainOutput.terminal
  },
  get input() {
    return plainOutput.input
  },
}
