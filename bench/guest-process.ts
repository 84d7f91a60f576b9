// Runs the guest part of a bench, on the measured kernel.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const lab = fileURLToPath(new URL('../lab/main.js', import.meta.url))

/** The first line of a guest: a description of its machine. */
export interface Place {
  readonly release: string
  readonly arch: string
  readonly cpus: number
}

export interface GuestOptions {
  /** Memory of the lab's machine, in MiB. */
  readonly memory?: number
  readonly timeoutSeconds?: number
}

/**
 * Runs a program of Node.js with a line of JSON as its input, and calls `onLine` for each line of its output; resolves with its
 * status. `kernel`: one of the lab's kernels; undefined: the host's kernel.
 */
export async function runGuest(
  kernel: string | undefined,
  guest: string,
  input: unknown,
  onLine: (line: string) => void,
  { memory, timeoutSeconds }: GuestOptions = {},
): Promise<number> {
  const options = [
    ...(memory === undefined ? [] : ['--memory', String(memory)]),
    ...(timeoutSeconds === undefined ? [] : ['--timeout', String(timeoutSeconds)]),
  ]
  const inside = [process.execPath, guest]
  const [command = '', ...args] =
    kernel === undefined ? inside : [process.execPath, lab, '--kernel', kernel, ...options, '--', ...inside]
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {}) // its exit status reports the failure
  child.stdin.end(JSON.stringify(input))
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve(status ?? 1))
  })
  for await (const line of createInterface({ input: child.stdout })) onLine(line)
  return ended
}

export function placeWords(kernel: string | undefined, { arch, cpus }: Place): string {
  const where =
    kernel === undefined
      ? 'The host itself'
      : kernel === 'uml'
        ? 'In the lab (User-Mode Linux)'
        : 'In the lab (an emulator)'
  return `${where}, ${arch}, ${cpus} processors`
}
