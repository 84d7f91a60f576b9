// The streams of a command (output, messages, input): the process's own, or a test's.
import { fstatSync, writeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { printable } from '../../lab/printable.ts'
import { systemProblem } from './system-error.ts'

export interface Streams {
  /** Writes to standard output. */
  out(text: string): void
  /** Writes to standard error. */
  error(text: string): void
  readonly input: Readable
  /** Whether output goes to a terminal: then there are colours, and watching refreshes in place. */
  readonly terminal: boolean
}

/** Standard output cannot be written. */
export class OutputError extends Error {
  /** The reader has closed the pipe. */
  readonly readerGone: boolean

  constructor(cause: unknown) {
    super(`cannot write to standard output: ${systemProblem(cause)}`, { cause })
    this.readerGone = (cause as NodeJS.ErrnoException).code === 'EPIPE'
  }
}

const PAUSE_MS = 5
const sleeper = new Int32Array(new SharedArrayBuffer(4))

// Synchronous, without Node's streams: they take time to open, and report failures too late to stop.
function write(descriptor: 1 | 2, text: string): void {
  let rest: Uint8Array = Buffer.from(text)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest))
    } catch (error) {
      // Another process that shares the pipe or terminal has made it non-blocking.
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

// Node.js reads a directory or a block device as empty input.
function standardInput(): Readable {
  const stats = fstatSync(0)
  const problem = stats.isDirectory() ? 'is a directory' : stats.isBlockDevice() ? 'is a block device' : undefined
  if (problem !== undefined) throw Object.assign(new Error(problem), { code: 'ENOTSUP' })
  return process.stdin
}

/**
 * The process's own streams, for `adm`. Control characters are always escaped, for terminals, files and pipes.
 */
export const plainStreams: Streams = {
  out: (text) => writeOut(printable(text)),
  error: (text) => {
    try {
      write(2, printable(text))
    } catch {
      // No place is left for a message; the exit status reports the failure.
    }
  },
  // Opened on first use: the lab must not open them.
  get terminal() {
    return process.stdout.isTTY
  },
  get input() {
    return standardInput()
  },
}

// The escape sequences of `emphasis` and of watching.
// oxlint-disable-next-line no-control-regex -- matches control characters
const styles = /(\u001B\[(?:1|2|22|31|32|33|39)m|^\u001B\[H\u001B\[2J)/

function styled(text: string): string {
  return text
    .split(styles)
    .map((part, index) => (index % 2 === 0 ? printable(part) : part))
    .join('')
}

/** The same, but keeps our styles on a terminal. Cells of tables and findings are escaped before, so they contain none. */
export const styledStreams: Streams = {
  out: (text) => writeOut(styledStreams.terminal ? styled(text) : printable(text)),
  error: (text) => plainStreams.error(text),
  get terminal() {
    return plainStreams.terminal
  },
  get input() {
    return plainStreams.input
  },
}
