// `ipvs doctor`: docs/doctor.md lists every code once, and nothing else.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../../../../', import.meta.url)
const inOrder = (list: Iterable<string | undefined>) => [...list].toSorted((a = '', b = '') => (a < b ? -1 : 1))
const folder = new URL('cli/doctor/', root)

test('docs/doctor.md has the codes of all findings', () => {
  const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
  const codes = sources.flatMap((text) =>
    [...text.matchAll(/\b(?:bad|risk|good)\(\s*'([^']+)'/g)].map(([, code]) => code),
  )
  const page = readFileSync(new URL('docs/doctor.md', root), 'utf8')
  const rows = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, code]) => code)
  expect(inOrder(rows)).toEqual(inOrder(new Set(codes)))
})
