// Writes a guest's stream to a descriptor of this process.

import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

/** The reader closed its end, as `head` does: the status of a program ended by SIGPIPE. */
export const brokenPipeStatus = 141

/** Ended by SIGPIPE. */
export class ReaderGone extends Error {}

/**
 * Resolves when everything is written, rejects if that fails. Writes through `cat` instead of process.stdout, because Node
 * writes to pipes and terminals synchronously: with a slow or stopped reader (Ctrl+S, a pager) this process could not handle
 * signals and time-outs, and its machine would continue. Node also makes pipes non-blocking for every process that shares them.
 */
export function writeOut(from: Readable, fd: 1 | 2): Promise<void> {
  // Node opens process.stderr when it destroys a socket, and makes its pipe non-blocking, which ends `cat` with EAGAIN. Opening it
  // once before `cat` starts avoids this: spawn makes the descriptors blocking again.
  void process.stderr
  const writer = spawn('cat', { stdio: ['pipe', fd, 2], detached: true })
  process.once('exit', () => writer.kill('SIGKILL'))
  const { stdin } = writer
  if (stdin === null) throw new Error('cannot start cat')
  // The writer's exit status explains the failure better than the broken pipe.
  stdin.on('error', () => {})
  from.on('error', () => stdin.destroy())
  copy(from, stdin)
  return new Promise((resolve, reject) => {
    writer.once('error', reject)
    writer.once('exit', (code, signal) => {
      if (code === 0) resolve()
      else if (signal === 'SIGPIPE') reject(new ReaderGone())
      else reject(new Error(`could not write all output: cat ended with ${signal ?? `status ${code}`}`))
    })
  })
}

/** Like pipe(), but without its comparison with process.stdout, which opens that stream. */
export function copy(from: Readable, to: Writable): void {
  from.pipe(to, { end: false })
  from.once('end', () => to.end())
}
