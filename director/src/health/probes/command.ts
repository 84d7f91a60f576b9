// command: a program without a shell and without our capabilities. Exit status 0 succeeds.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type Attempt, run } from './attempt.ts'
import { ProbeFailure, ProbeVoid, codeOf } from './errors.ts'
import type { CheckOf, Probe } from './probe.ts'

const maximumBytes = 4096
/** Of setpriv(1): a child keeps nothing of what the service manager gave to us. */
const withoutCapabilities = ['setpriv', '--ambient-caps=-all', '--inh-caps=-all', '--']

/**
 * The program gets `IPVS_DIRECTOR_ADDRESS`, the address to check, and no other part of our environment but PATH, LANG and
 * HOME. Its process group is killed at the limit. The first line of its output is told.
 */
export const probeCommand: Probe<CheckOf<'command'>> = (check, target, _, signal) =>
  run({ ...check.limits, firstByte: check.limits.total }, signal, async (attempt) => {
    const [program, ...words] = hasAmbientCapabilities() ? [...withoutCapabilities, ...check.command] : check.command
    if (program === undefined) throw new ProbeVoid('the command is empty')
    const { PATH = '/usr/sbin:/usr/bin:/sbin:/bin', LANG, HOME } = process.env
    attempt.enter('firstByte')
    const child = spawn(program, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { PATH, LANG, HOME, IPVS_DIRECTOR_ADDRESS: target.address },
    })
    attempt.atEnd(() => killGroup(child))
    attempt.log('>', check.command.join(' '))
    const output = collect(attempt, child)
    const end = await ended(child)
    const first = output().split('\n', 1)[0]?.trim() ?? ''
    const told = first === '' ? end.words : `${end.words}: ${first.slice(0, 150)}`
    if (!end.good) throw new ProbeFailure(told)
    return told
  })

function collect(attempt: Attempt, child: ChildProcess): () => string {
  const chunks: Buffer[] = []
  let length = 0
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      attempt.log('<', chunk)
      if (length < maximumBytes) chunks.push(chunk)
      length += chunk.length
    })
  }
  return () => Buffer.concat(chunks).toString('utf8')
}

async function ended(child: ChildProcess): Promise<{ readonly good: boolean; readonly words: string }> {
  return await new Promise((resolve, reject) => {
    child.on('error', (error) => {
      const code = codeOf(error)
      const missing = code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENOEXEC'
      reject(missing ? new ProbeVoid(`the program cannot be run (${code})`) : error)
    })
    // `close` waits for the output too, which a child of the program may hold open: `exit` and one turn for what is there.
    child.on('exit', (status, name) => {
      const words = status === null ? `ended by ${name ?? 'a signal'}` : `exit status ${String(status)}`
      setImmediate(() => resolve({ good: status === 0, words }))
    })
  })
}

function killGroup(child: ChildProcess): void {
  child.stdout?.destroy()
  child.stderr?.destroy()
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

/** Whether this process has capabilities that its children inherit. */
export function hasAmbientCapabilities(status: string = readFileSync('/proc/self/status', 'utf8')): boolean {
  const set = /^CapAmb:\s*([0-9a-f]+)$/m.exec(status)?.[1]
  return set !== undefined && /[^0]/.test(set)
}
