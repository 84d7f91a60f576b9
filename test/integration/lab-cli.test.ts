// The lab's command line: streams, statuses, and clean-up when it is ended from outside.

import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { ensureTools, findProgram } from '../../lab/host.ts'

const main = path.resolve(import.meta.dirname, '../../out/lab/main.js')
const folder = mkdtempSync(path.join(tmpdir(), 'lab-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** The kernel series of this run. */
const series = process.env['IPVS_LAB_SERIES']
const kernel = series === undefined ? [] : ['--kernel', series]

interface LabRun {
  readonly child: ChildProcess
  readonly exited: Promise<{ status: number | null; signal: string | null; stdout: Buffer; stderr: Buffer }>
}

function startLab(args: readonly string[], input: Uint8Array = Buffer.alloc(0), env: NodeJS.ProcessEnv = {}): LabRun {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...env }, stdio: 'pipe' })
  const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] }
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk: Buffer) => output[name].push(chunk))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const exited = once(child, 'close').then(([status, signal]) => ({
    status: status as number | null,
    signal: signal as string | null,
    stdout: Buffer.concat(output.stdout),
    stderr: Buffer.concat(output.stderr),
  }))
  return { child, exited }
}

/** Process ids of a process's children that run this program. */
function childrenOf(parent: number, program: string): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    const status = /^\d+$/.test(entry) ? readProcessFile(`/proc/${entry}/status`) : ''
    const isChild = new RegExp(`^PPid:\\s${parent}$`, 'm').test(status)
    return isChild && status.startsWith(`Name:\t${program.slice(0, 15)}`) ? [Number(entry)] : []
  })
}

/** Reads a file of /proc; empty for an ended process, including a zombie. */
function readProcessFile(file: string): string {
  try {
    const text = readFileSync(file, 'utf8')
    return /^State:\s[ZX]/m.test(text) ? '' : text
  } catch {
    return ''
  }
}

async function until<T>(condition: () => T | undefined | false): Promise<T> {
  for (;;) {
    const value = condition()
    if (value !== undefined && value !== false) return value
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function qemuOf(run: LabRun): Promise<number> {
  return until(() => childrenOf(run.child.pid ?? 0, 'qemu-system-x86_64')[0])
}

function isGone(pid: number): boolean {
  return readProcessFile(`/proc/${pid}/status`) === ''
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

describe('without a boot', () => {
  test('usage lists every option, kernel and exit status', async () => {
    const { status, stdout } = await startLab(['--help']).exited
    expect(status).toBe(0)
    for (const word of ['--kernel', '--timeout', '--output', '5.10', 'newest', '124', '125']) {
      expect(stdout.toString()).toContain(word)
    }
  })

  test('the error for an unknown kernel lists the known ones', async () => {
    const { status, stderr } = await startLab(['--kernel', '4.19', 'true']).exited
    expect(status).toBe(125)
    expect(stderr.toString()).toBe('lab: unknown kernel "4.19": known are 5.10, 6.1, 6.12, newest, uml\n')
  })

  test('an unknown option is refused before the command, not after it', async () => {
    const { status, stderr } = await startLab(['--timeuot', '3', 'true']).exited
    expect(status).toBe(125)
    expect(stderr.toString()).toContain("Unknown option '--timeuot'")
    const behind = await startLab(['--kernel', '4.19', 'true', '--timeuot']).exited
    expect(behind.stderr.toString()).toContain('unknown kernel')
  })

  test('the error on a system without apt names the alternative', async () => {
    const osRelease = path.join(folder, 'os-release')
    writeFileSync(osRelease, 'ID=fedora\nVERSION_ID=43\n')
    const env = { IPVS_LAB_OS_RELEASE: osRelease, XDG_CACHE_HOME: folder, IPVS_LAB_KERNEL: undefined }
    const { status, stderr } = await startLab(['true'], undefined, env).exited
    expect(status).toBe(125)
    expect(stderr.toString()).toMatch(/works on Debian and Ubuntu only[^]*IPVS_LAB_KERNEL=[^]*IPVS_LAB_MODULES=/)
  })

  test('without root and qemu, the error names the packages', () => {
    vi.stubEnv('PATH', folder)
    vi.spyOn(process, 'geteuid').mockReturnValue(1000)
    const osRelease = path.join(folder, 'debian-release')
    writeFileSync(osRelease, 'ID=debian\nVERSION_CODENAME=bookworm\n')
    vi.stubEnv('IPVS_LAB_OS_RELEASE', osRelease)
    expect(() => ensureTools({ engine: 'qemu', setup: false }, () => {})).toThrow(
      /needs qemu-system-x86_64.*As root: apt-get install .*qemu-system-x86/,
    )
  })
})

describe.skipIf(findProgram('qemu-system-x86_64') === undefined)('with a machine (needs qemu-system-x86_64)', () => {
  test('status, stdin, stdout and stderr pass unchanged; --output keeps files', async () => {
    const bytes = randomBytes(10_000_000)
    const output = path.join(folder, "out, it's")
    const script =
      // Background commands of a shell ignore interrupts; the lab's command must not.
      'sh -c "kill -INT \\$\\$"; [ $? = 130 ] || exit 1; ' +
      'cat >/tmp/given; cat /tmp/given; cat /tmp/given >&2; echo kept >"$0/file"; echo lost >"$1/lost"; exit 7'
    const args = [...kernel, '--output', output, 'sh', '-c', script, output, folder]
    const { status, stdout, stderr } = await startLab(args, bytes).exited
    const said = status === 7 ? [] : stderr.toString('latin1').match(/lab: [^]*/g)
    expect({ status, said }).toEqual({ status: 7, said: [] })
    expect([stdout.length, sha256(stdout)]).toEqual([bytes.length, sha256(bytes)])
    expect([stderr.length, sha256(stderr)]).toEqual([bytes.length, sha256(bytes)])
    expect(readFileSync(path.join(output, 'file'), 'utf8')).toBe('kept\n')
    expect(readdirSync(folder)).not.toContain('lost')
  })

  test('a time-out is status 124 and ends the machine', async () => {
    const run = startLab([...kernel, '--timeout', '2', 'sleep', '1000'])
    const qemu = await qemuOf(run)
    const { status, stderr } = await run.exited
    expect(status).toBe(124)
    expect(stderr.toString()).toBe('lab: time-out: not done after 2 s\n')
    expect(isGone(qemu)).toBe(true)
  })

  test('an interrupt ends the command, the machine and the lab', async () => {
    const run = startLab([...kernel, 'sh', '-c', 'echo up; sleep 1000'])
    const qemu = await qemuOf(run)
    await once(run.child.stdout!, 'data')
    run.child.kill('SIGINT')
    const { signal, stdout } = await run.exited
    expect(signal).toBe('SIGINT')
    expect(stdout.toString()).toBe('up\n')
    expect(isGone(qemu)).toBe(true)
  })

  test('not even SIGKILL leaves a machine behind', async () => {
    const run = startLab([...kernel, 'sleep', '1000'])
    const qemu = await qemuOf(run)
    run.child.kill('SIGKILL')
    await until(() => isGone(qemu))
    expect((await run.exited).signal).toBe('SIGKILL')
  })
})
