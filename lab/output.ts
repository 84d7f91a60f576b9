// Writes a guest's stream to one of this process's own descriptors.

import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

/** The reader closed its end, as `head` does: status of a program that SIGPIPE ends. */
export const brokenPipeStatus = 141

/** Ended by SIGPIPE. */
export class ReaderGone extends Error {}

/**
 * Resolves when everything is out, rejects when it cannot be. By way of `cat`, and not of process.stdout, since Node writes to
 * pipes and terminals synchronously: with a reader that is slow or stopped (Ctrl+S, a pager) this process would be deaf to
 * signals and time-outs, and its machine would go on. It also makes pipes non-blocking, for everybody else who has them.
 */
export function writeOut(from: Readable, fd: 1 | 2): Promise<void> {
  // Node opens process.stderr whenever it destroys a socket, and makes the pipe behind it non-blocking, which ends `cat` with
  // EAGAIN. Once is enough, before `cat` is started: that makes its descriptors block again.
  void process.stderr
  const writer = spawn('cat', { stdio: ['pipe', fd, 2], detached: true })
  process.once('exit', () => writer.kill('SIGKILL'))
  const { stdin } = writer
  if (stdin === null) throw new Error('cannot start cat')
  // The writer's exit tells more than the pipe to it does.
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

/** Like pipe(), which compares with process.stdout unless it is told not to end the target, and thereby opens that. */
export function copy(from: Readable, to: Writable): void {
  from.pipe(to, { end: false })
  from.once('end', () => to.end())
}
