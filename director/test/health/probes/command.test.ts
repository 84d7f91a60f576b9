import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { probeAny } from '../../../src/health/probes/all.ts'
import { hasAmbientCapabilities } from '../../../src/health/probes/command.ts'
import type { ProbeResult } from '../../../src/health/probes/probe.ts'
import type { Check } from '../../../src/site/site.ts'
import { common, limits, local, never } from '../support/checks.ts'

async function probe(check: object, signal: AbortSignal = never): Promise<ProbeResult> {
  return await probeAny({ ...common, ...check } as Check, local, undefined, signal)
}

const command = (...words: string[]): object => ({ kind: 'command', command: words })
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'director-command-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

describe('command', () => {
  test('exit status 0 succeeds, any other fails; the first line is told', async () => {
    expect(await probe(command('true'))).toMatchObject({ verdict: 'success', words: 'exit status 0' })
    expect(await probe(command('sh', '-c', 'echo "disk full"; echo more; exit 3'))).toMatchObject({
      verdict: 'failure',
      words: 'exit status 3: disk full',
      answered: true,
    })
    expect(await probe(command('sh', '-c', 'kill -9 $$'))).toMatchObject({
      verdict: 'failure',
      words: 'ended by SIGKILL',
    })
  })

  test('there is no shell, and little of our environment', async () => {
    vi.stubEnv('DIRECTOR_SECRET', 'x')
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(await probe(command('echo', '$HOME; exit 1'))).toMatchObject({ words: 'exit status 0: $HOME; exit 1' })
    const words = await probe(command('sh', '-c', 'echo "$IPVS_DIRECTOR_ADDRESS [$DIRECTOR_SECRET]"'))
    expect(words).toMatchObject({ words: 'exit status 0: 127.0.0.1 []' })
  })

  test('at the limit the whole process group is killed', async () => {
    const file = join(folder(), 'pid')
    const script = `sh -c 'echo $$ > ${file}; sleep 60' & wait`
    const result = await probe({ ...command('sh', '-c', script), limits: { ...limits, total: 400 } })
    expect(result).toMatchObject({
      verdict: 'failure',
      words: expect.stringMatching(/^no answer within 400 ms/) as string,
      answered: false,
    })
    const pid = readFileSync(file, 'utf8').trim()
    await vi.waitUntil(
      () => !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
    )
  })

  test('an abort kills too; a program that is not there gives no verdict', async () => {
    const controller = new AbortController()
    const pending = probe(command('sleep', '60'), controller.signal)
    setTimeout(() => controller.abort(), 50)
    expect(await pending).toMatchObject({ verdict: 'void', words: 'stopped' })
    expect(await probe(command('/nonexistent/check'))).toMatchObject({
      verdict: 'void',
      words: 'the program cannot be run (ENOENT)',
    })
  })

  test('a child that keeps the output open does not hold the verdict', async () => {
    expect(await probe(command('sh', '-c', 'sleep 60 & echo up'))).toMatchObject({
      verdict: 'success',
      words: 'exit status 0: up',
    })
  })

  test('ambient capabilities are seen, and setpriv drops them', () => {
    expect(hasAmbientCapabilities('CapBnd:\t0000003fffffffff\nCapAmb:\t0000000000001000\n')).toBe(true)
    expect(hasAmbientCapabilities('CapAmb:\t0000000000000000\n')).toBe(false)
    const status = execFileSync('setpriv', ['--ambient-caps=-all', '--inh-caps=-all', '--', 'cat', '/proc/self/status'])
    expect(hasAmbientCapabilities(status.toString())).toBe(false)
  })
})
