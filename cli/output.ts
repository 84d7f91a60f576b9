// Where a command writes and reads: the process's own, or a test's.
import type { Readable } from 'node:stream'

export interface Output {
  out(text: string): void
  error(text: string): void
  readonly input: Readable
  /** Whether a person looks at it: then there are colours, and watching refreshes in place. */
  readonly terminal: boolean
}

/** The process's streams. They are opened when they are used: the lab must not open them. */
export const processOutput: Output = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  get terminal() {
    return process.stdout.isTTY
  },
  get input() {
    return process.stdin
  },
}
