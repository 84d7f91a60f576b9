// The mirrors of the lab, from the machine's apt configuration.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mirrorCandidates, type Mirror } from '../../lab/mirror.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lab-mirror-'))
  mkdirSync(path.join(folder, 'sources.list.d'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function first(): { main: Mirror | undefined; security: Mirror | undefined } {
  const [pair] = mirrorCandidates('bookworm', folder)
  return { main: pair?.main, security: pair?.security }
}

test('one-line format, with options', () => {
  const lines = [
    '# deb http://commented.example/debian bookworm main',
    'deb [arch=amd64] http://vendor.example/linux/debian bookworm stable',
    'deb-src http://source.example/debian bookworm main',
    'deb [signed-by=/keys/a.gpg trusted=yes] http://mirror.example/debian/ bookworm main contrib # ours',
    'deb http://mirror.example/security bookworm-security main',
  ]
  writeFileSync(path.join(folder, 'sources.list'), `${lines.join('\n')}\n`)
  const { main, security } = first()
  expect(main).toEqual({ uri: 'http://mirror.example/debian', signedBy: '/keys/a.gpg', trusted: true })
  expect(security).toMatchObject({ uri: 'http://mirror.example/security', trusted: false })
})

test('deb822 format: disabled stanzas, several suites, keys', () => {
  const text = `Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main
Enabled: no

# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm
  bookworm-updates
Components: main
Signed-By: /keys/b.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
`
  writeFileSync(path.join(folder, 'sources.list.d/debian.sources'), text)
  const { main, security } = first()
  expect(main).toEqual({ uri: 'http://mirror.example/debian', signedBy: '/keys/b.gpg', trusted: false })
  expect(security?.uri).toBe('http://mirror.example/debian-security')
  expect(security?.signedBy).not.toContain('BEGIN')
})

test('the public mirrors are the fallback', () => {
  const publicOnly = mirrorCandidates('bookworm', folder).map((pair) => pair.main.uri)
  expect(publicOnly).toEqual(['http://deb.debian.org/debian', 'http://archive.debian.org/debian'])
  writeFileSync(path.join(folder, 'sources.list'), 'deb http://mirror.example/debian bookworm main\n')
  expect(mirrorCandidates('bookworm', folder).map((pair) => pair.main.uri)).toEqual([
    'http://mirror.example/debian',
    ...publicOnly,
  ])
  // Mirrors of another distribution have different kernels.
  expect(mirrorCandidates(undefined, folder)).toHaveLength(2)
})
