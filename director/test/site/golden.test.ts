// The errors of one bad file, as people see them.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseSite } from '../../src/site/parse.ts'
import { SiteError } from '../../src/site/problems.ts'

const read = (name: string): string => readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8')

test('a bad file is told with all of its mistakes', async () => {
  let message = ''
  try {
    parseSite(read('bad.yaml'), { file: 'bad.yaml' })
  } catch (error) {
    if (!(error instanceof SiteError)) throw error
    message = error.message
  }
  await expect(`${message}\n`).toMatchFileSnapshot('golden/bad.txt')
})
