// Links of pages to files and headings that do not exist are found.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const script = new URL('../../../scripts/check-links.mjs', import.meta.url).pathname

function check(link: string): { status: number | null; stderr: string } {
  const tree = mkdtempSync(join(tmpdir(), 'ipvs-links-'))
  try {
    mkdirSync(join(tree, 'docs/guide'), { recursive: true })
    writeFileSync(join(tree, 'README.md'), '# Top\n')
    writeFileSync(join(tree, 'docs/marks.md'), '# Marks\n\n## In the kernel: `inet ipvs`\n\n```sh\n# no heading\n```\n')
    writeFileSync(join(tree, 'docs/guide/start.md'), `# Start\n\nSee [it](${link}).\n`)
    const { status, stderr } = spawnSync(process.execPath, [script, tree], { encoding: 'utf8' })
    return { status, stderr }
  } finally {
    rmSync(tree, { recursive: true })
  }
}

test.each([
  '../marks.md',
  '../marks.md#in-the-kernel-inet-ipvs',
  '#start',
  '../../README.md#top',
  'https://example.com/x',
])('%s leads somewhere', (link) => {
  expect(check(link)).toEqual({ status: 0, stderr: '' })
})

test.each([
  ['marks.md', 'file'],
  ['../marks.md#no-heading', 'heading'],
  ['#top', 'heading'],
])('%s: no such %s', (link, kind) => {
  expect(check(link)).toEqual({ status: 1, stderr: `links: docs/guide/start.md: ${link}: no such ${kind}\n` })
})
