// The program as it is installed, with outputs that are full, closed or gone, files that are not what they should be, and words
// that drive a terminal. No kernel is needed for any of it.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url))
const stack = /^\s+at |node:internal|Node\.js v/m

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

type Stdio = 'ignore' | 'pipe' | number

function run(words: readonly string[], input?: string | Buffer, stdout: Stdio = 'pipe', stderr: Stdio = 'pipe'): Ended {
  const ended = spawnSync(process.execPath, [program, ...words], {
    input: input ?? '',
    stdio: ['pipe', stdout, stderr],
    timeout: 50_000,
  })
  return { status: ended.status, stdout: String(ended.stdout), stderr: String(ended.stderr) }
}

/** By a shell; `ipvs` is the program. */
function shell(script: string): Ended {
  const { status, stdout, stderr } = spawnSync('bash', [
    '-c',
    `ipvs() { "${process.execPath}" "${program}" "$@"; }; ${script}`,
  ])
  return { status, stdout: String(stdout), stderr: String(stderr) }
}

let folder: string
let full: number
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipvs-command-line-'))
  full = openSync('/dev/full', 'w')
})
afterAll(() => {
  closeSync(full)
  rmSync(folder, { recursive: true })
})

const printing = [
  ['--help'],
  ['--version'],
  ['add', 'service', '--help'],
  ['marks', '--help'],
  ['completion', 'bash'],
  ['completion', 'zsh'],
  ['completion', 'fish'],
  ['lab', '--help'],
  ['adm', '-h'],
  ['adm', '-v'],
]

describe('outputs', () => {
  test.each(printing.map((words) => [words]))('%j into a full device', (words) => {
    const { status, stderr } = run(words, '', full)
    expect(stderr).toBe('ipvs: cannot write to standard output: no space left on device (ENOSPC)\n')
    expect(status).toBe(1)
  })

  test.each(printing.map((words) => [words]))('%j when nobody reads: silent, with the status of SIGPIPE', (words) => {
    const { stdout, stderr } = shell(`{ sleep 0.3; ipvs ${words.join(' ')}; } | true; echo \${PIPESTATUS[0]}`)
    expect([stdout, stderr]).toEqual(['141\n', ''])
  })

  test('closed ones: nothing to say, and nowhere to say it', () => {
    expect(shell('ipvs --version >&-')).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(shell('ipvs frob 2>&-')).toEqual({ status: 2, stdout: '', stderr: '' })
    expect(shell('ipvs frob 2>/dev/full')).toEqual({ status: 2, stdout: '', stderr: '' })
    expect(shell('ipvs --version <&-').status).toBe(0)
  })

  test('a pipe that is full and does not block', async () => {
    // Node.js makes its end of the pipe non-blocking when it opens standard error behind the same one.
    const child = spawn('bash', ['-c', `"${process.execPath}" "${program}" completion bash 2>&1`], { stdio: 'pipe' })
    const [out] = await Promise.all([text(child.stdout), once(child, 'close')])
    expect(out).toContain('complete -o default -F _ipvs ipvs')
  })
})

describe('control characters of words are not printed', () => {
  const evil = '\u001B[2J\u009B\u202E\u007F'
  test.each([
    [[evil]],
    [['list', evil]],
    [[`--${evil}`]],
    [['list', '--watch', evil]],
    [['add', 'service', evil]],
    [['add', 'service', `tcp:${evil}:80`]],
    [['add', 'destination', 'mark:7', evil]],
    [['marks', 'add', '7', evil, 'tcp', '80']],
    [['marks', 'add', '7', '172.16.0.100', 'tcp', '80', '--comment', evil]],
    [['marks', 'allocate', '--from', evil]],
    [['connections', '--templates', evil]],
    [['completion', evil]],
    [['restore', evil]],
    [['marks', 'replace', `/${evil}`]],
    [['list', '--netns', evil]],
    [['doctor', '--netns', evil]],
    [['lab', '--kernel', evil, 'true']],
    [['lab', `--${evil}`]],
    [['adm', `-${evil}`]],
    [['adm', '-A', '-t', evil]],
    [['adm', '-A', '-f', '7', '-s', evil]],
    [['adm', '-L', evil]],
    [['adm', '--netns', evil, '-L']],
  ])('%j', (words) => {
    const { status, stdout, stderr } = run(words)
    // oxlint-disable-next-line no-control-regex -- they must not be there
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202E]/)
    expect(stderr).not.toMatch(stack)
    expect(status).not.toBe(0)
  })
})

const utf16 = (given: string, mark: string) => Buffer.from(mark + given, 'utf16le')

/** A file for one test. */
const place = (name: string, content: string | Buffer): string => {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

describe('files', () => {
  const bom = '\uFEFF'
  const document = '{ "version": 1, "services": [] }'
  const readers = [['restore'], ['marks', 'replace']]

  test.each<[string, string | Buffer, string]>([
    ['empty', '', ': is empty'],
    ['blank', '\n\n', ': is empty'],
    ['utf16', utf16(document, bom), ': is UTF-16; convert it to UTF-8'],
    ['utf16be', Buffer.from(utf16(document, bom)).swap16(), ': is UTF-16; convert it to UTF-8'],
    ['utf16plain', utf16(document, ''), ': is UTF-16; convert it to UTF-8'],
    ['latin1', Buffer.from('{ "é": 1 }', 'latin1'), ': is not UTF-8 text'],
    ['cut', Buffer.from('"é').subarray(0, 2), ': is not UTF-8 text'],
    ['zero', '{ "a": \0 }', ': is not text: byte 7 is zero'],
    ['comma', '{\n  "version": 1,\n  "services": [],\n}\n', ':4:1: missing name in quotation marks before "}"'],
    ['colon', '[{ "a" 1 }]', ':1:8: missing ":" before "1"'],
    ['value', '[1, x]', ':1:5: missing value before "x"'],
    ['list', '[1\n2]', ':2:1: missing "," or "]" before "2"'],
    ['end', '{ "a": [1, 2', ':1:13: missing "," or "]" before the end'],
    ['rest', '[] []', ':1:4: unexpected "[" after the end'],
    ['text', '["abc', ':1:2: unterminated string'],
    ['control', '["a\u001Bb"]', ':1:4: control character in a string; write \\u and four digits'],
    ['escape', '["a\\x"]', ':1:4: unknown escape'],
    ['number', '[01]', ':1:3: missing "," or "]" before "1"'],
    ['deep', '['.repeat(200_000), ': is not JSON'],
  ])('%s', (name, content, problem) => {
    const file = place(name, content)
    for (const words of readers) {
      expect(run([...words, file])).toEqual({ status: 1, stdout: '', stderr: `ipvs: ${file}${problem}\n` })
      expect(run(words, content).stderr).toBe(`ipvs: standard input${problem}\n`)
    }
  })

  test('what is no file, or no file of ours', () => {
    const missing = join(folder, 'missing')
    const other = place('other', '{ "version": 2 }')
    const stray = place('stray', '{ "version": 1, "services": [], "mark\u202E": [] }')
    const wrong = place('wrong', '{ "version": 1, "services": [], "marks": {} }')
    const cases: [string, string][] = [
      [missing, 'no such file or directory (ENOENT)'],
      [folder, 'is a directory'],
      ['/dev/zero', 'is not text: byte 0 is zero'],
      ['/dev/urandom', 'is not '],
      [`/${'x'.repeat(300)}`, 'name too long (ENAMETOOLONG)'],
      [`${other}/x`, 'not a directory (ENOTDIR)'],
      [other, 'not a file of "ipvs save": "version": 1 is missing'],
      [stray, 'unknown field "mark\\u202e"'],
      [wrong, '"marks" is not an array'],
    ]
    for (const [file, problem] of cases) {
      const { status, stderr } = run(['restore', file])
      expect(stderr).toContain(`ipvs: ${file}: ${problem}`)
      expect([status, stderr.split('\n').length]).toEqual([1, 2])
    }
  })

  test('standard input that cannot be read is not taken for empty', () => {
    const written = place('written', '')
    for (const words of readers.map((each) => each.join(' '))) {
      for (const [input, problem] of [
        [`< ${folder}`, 'is a directory'],
        ['< /', 'is a directory'],
        [`0> ${written}`, 'bad file descriptor (EBADF)'],
        ['<&-', 'is empty'],
      ] as const)
        expect(shell(`ipvs ${words} ${input}`)).toEqual({
          status: 1,
          stdout: '',
          stderr: `ipvs: standard input: ${problem}\n`,
        })
    }
  })

  test('a file that is too long is not read', () => {
    const file = place('long', '')
    truncateSync(file, 2 ** 40)
    const start = performance.now()
    expect(run(['restore', file]).stderr).toBe(`ipvs: ${file}: is longer than 256 MiB\n`)
    expect(performance.now() - start).toBeLessThan(20_000)
  })

  test('input without an end takes no more memory than the longest file', () => {
    const limited = `"${process.execPath}" --max-old-space-size=1500 "${program}" restore`
    const { stdout, stderr } = shell(`yes '[1,2,3]' | ${limited}; echo \${PIPESTATUS[1]}`)
    expect([stdout, stderr]).toEqual(['1\n', 'ipvs: standard input: is longer than 256 MiB\n'])
  })

  test('named pipes: without a writer it ends, with one it reads', () => {
    const pipe = join(folder, 'pipe')
    expect(shell(`mkfifo ${pipe}; ipvs restore ${pipe}`).stderr).toBe(`ipvs: ${pipe}: is empty\n`)
    const late = shell(`{ sleep 0.5; printf '[1,'; sleep 0.5; echo 2; } > ${pipe} & ipvs restore ${pipe}`)
    expect(late.stderr).toBe(`ipvs: ${pipe}:2:1: missing "," or "]" before the end\n`)
    expect(shell(`ipvs restore <(echo '[1')`).stderr).toMatch(/:2:1: missing "," or "\]" before the end\n$/)
  })

  test.each([
    ['a mark in front is not in the way', bom + document],
    ['CRLF is white space', document.replaceAll(' ', '\r\n')],
  ])('%s', (_, content) => {
    // It gets as far as the kernel, or would where there is one.
    expect(run(['restore', '--dry-run'], content).stderr).not.toMatch(/standard input|is not/)
  })

  test('writing where it cannot be written', () => {
    const { status, stderr } = run(['marks', 'export', join(folder, 'no', 'where')])
    expect(stderr).toMatch(/^ipvs: .*\n$/)
    expect(status).toBe(1)
  })
})
