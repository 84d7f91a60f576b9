// `ipvs install-units` and `uninstall-units`: what is written and removed, and what is left alone.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runProgram } from '../../../../cli/verbs/program.ts'
import { Written } from '../written.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ipvs-units-'))
})
afterEach(() => rmSync(root, { recursive: true }))

async function run(...words: readonly string[]): Promise<{ status: number; out: string; error: string }> {
  const streams = new Written()
  const status = await runProgram([...words, '--root', root], streams)
  return { status, out: streams.stdout.replaceAll(root, ''), error: streams.stderr.replaceAll(root, '') }
}

const paths = [
  '/etc/modules-load.d/ipvs.conf',
  '/etc/sysctl.d/50-ipvs.conf',
  '/etc/systemd/system/ipvs-marks.service',
  '/etc/systemd/system/ipvs-services.service',
]
const words = (word: string) => paths.map((path) => `${path}: ${word}\n`).join('')
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8')
const files = () =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).replace(root, ''))
    .toSorted()

test('files are new, then unchanged, then removed', async () => {
  expect((await run('install-units', '--dry-run')).out).toContain(words('new'))
  expect(files()).toEqual([])
  expect((await run('install-units')).out).toContain(words('new'))
  expect(files()).toEqual(paths)
  expect((await run('install-units')).out).toContain(words('unchanged'))
  expect(await run('uninstall-units')).toMatchObject({ status: 0, out: expect.stringContaining(words('removed')) })
  expect(files()).toEqual([])
  expect(await run('uninstall-units')).toMatchObject({ status: 1, error: 'ipvs: no units in \n' })
})

test('units run this program by its real path; systemd accepts them', async () => {
  await run('install-units', '--state', '/etc/my table/50%.json')
  const program = `${realpathSync(process.execPath)} ${realpathSync(process.argv[1] ?? '')} restore --only`
  expect(read(paths[2] ?? '')).toContain(`ExecStart=${program} marks,nat "/etc/my table/50%%.json"\n`)
  expect(read(paths[3] ?? '')).toContain(`ExecStart=${program} timeouts,services,daemons "/etc/my table/50%%.json"\n`)
  expect(read(paths[3] ?? '')).toContain('ConditionPathExists=/etc/my table/50%%.json\n')
  const units = paths.slice(2).map((path) => `${root}${path}`)
  execFileSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', ...units], { stdio: 'pipe' })
})

test('forwarding is set for NAT only', async () => {
  await run('install-units')
  expect(read(paths[1] ?? '')).not.toMatch(/^net/m)
  expect((await run('install-units', '--nat')).out).toContain('50-ipvs.conf: changed')
  expect(read(paths[1] ?? '').match(/^net.*/gm)).toEqual([
    'net.ipv4.ip_forward = 1',
    'net.ipv6.conf.all.forwarding = 1',
  ])
})

test.each(['install-units', 'uninstall-units'])('%s leaves files of other origin alone', async (verb) => {
  mkdirSync(`${root}/etc/sysctl.d`, { recursive: true })
  writeFileSync(`${root}/etc/sysctl.d/50-ipvs.conf`, 'net.ipv4.ip_forward = 0\n')
  const { status, error } = await run(verb)
  expect({ status, error }).toEqual({
    status: 1,
    error:
      'ipvs: /etc/sysctl.d/50-ipvs.conf: not written by "ipvs install-units"; rename or remove it. Nothing was changed\n',
  })
  expect(files()).toEqual(['/etc/sysctl.d/50-ipvs.conf'])
})

test.each([
  [['install-units', '--state', 'table.json'], 'an absolute path is needed'],
  [['restore', '--only', 'marks,mark'], '"mark" is none of timeouts, services, daemons, marks, nat'],
])('%j is a usage error', async (command, message) => {
  const streams = new Written()
  expect(await runProgram(command, streams)).toBe(2)
  expect(streams.stderr).toContain(message)
})
