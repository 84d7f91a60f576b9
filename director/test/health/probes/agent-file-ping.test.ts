import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { agentReport, mergeAgentLines, parseAgentLine } from '../../../src/health/probes/agent-line.ts'
import { probeAny } from '../../../src/health/probes/all.ts'
import type { ProbeResult } from '../../../src/health/probes/probe.ts'
import type { Check } from '../../../src/site/site.ts'
import { common, local, never } from '../support/checks.ts'
import { tcpServer } from '../support/servers.ts'

async function probe(check: object): Promise<ProbeResult> {
  return await probeAny({ ...common, ...check } as Check, local, undefined, never)
}

describe('agent', () => {
  const agent = { kind: 'agent' }

  test.each([
    ['up 75% # fine\n', { verdict: 'success', words: 'up 75% # fine' }],
    ['drain\r\n', { verdict: 'success', words: 'drain' }],
    ['50%', { verdict: 'success', words: '50%' }],
    ['down # swapping\n', { verdict: 'failure', words: 'the agent says down # swapping' }],
    ['hello\n', { verdict: 'failure', words: 'the agent\'s word "hello" is not known' }],
  ])('%j', async (line, result) => {
    const port = await tcpServer((socket) => socket.end(line))
    expect(await probe({ ...agent, port })).toMatchObject(result)
  })

  test.each([
    ['ready, up 100%', { weight: 1, admin: 'ready', health: 'up', reason: '' }],
    ['MAINT #disk # two', { weight: undefined, admin: 'maintenance', health: undefined, reason: 'disk # two' }],
    ['failed', { weight: undefined, admin: undefined, health: 'down', reason: '' }],
    ['150% maxconn:30', { weight: 1.5, admin: undefined, health: undefined, reason: '' }],
    ['0%', { weight: 0, admin: undefined, health: undefined, reason: '' }],
    ['constructor', 'constructor'],
  ])('the line %j', (line, parsed) => {
    expect(parseAgentLine(line)).toEqual(parsed)
  })

  test('lines add up: up ends down, ready ends drain, and neither ends the other', () => {
    const states = ['50%', 'drain', 'down', 'up', 'ready'].map((line) => parseAgentLine(line))
    let sum: Parameters<typeof mergeAgentLines>[0]
    const reports = states.map((line) => {
      if (typeof line === 'string') throw new TypeError(line)
      sum = mergeAgentLines(sum, line)
      return agentReport(sum)
    })
    expect(reports.map(({ state }) => state)).toEqual([undefined, 'drain', 'down', 'drain', 'ready'])
    expect(reports.every(({ weight }) => weight === 0.5)).toBe(true)
  })
})

test('file: present or absent', async () => {
  const path = mkdtempSync(join(tmpdir(), 'director-file-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  const file = { kind: 'file', path: join(path, 'flag') }
  expect(await probe({ ...file, upWhile: 'absent' })).toMatchObject({ verdict: 'success', words: 'the file is absent' })
  expect(await probe({ ...file, upWhile: 'present' })).toMatchObject({
    verdict: 'failure',
    words: 'the file is absent',
  })
  writeFileSync(file.path, '')
  expect(await probe({ ...file, upWhile: 'present' })).toMatchObject({ verdict: 'success' })
  expect(await probe({ ...file, path: `${file.path}/below`, upWhile: 'absent' })).toMatchObject({ verdict: 'success' })
  expect(await probe({ ...file, path: 'x'.repeat(300), upWhile: 'absent' })).toMatchObject({ verdict: 'failure' })
})

test('ping needs the sockets of the addon', async () => {
  expect(await probe({ kind: 'ping' })).toMatchObject({
    verdict: 'void',
    words: 'needs ping sockets of the addon, which are not there',
  })
})
