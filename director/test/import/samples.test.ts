import { expect, test } from 'vitest'
import { formats } from '../../src/import/formats.ts'
import { imported, sampleTexts, samples } from './samples.ts'

const all = Object.keys(formats).flatMap((format) => samples(format).map((name) => [format, name] as const))

test.each(all)('%s: %s', async (format, name) => {
  const result = imported(format, ...sampleTexts(format, name))
  await expect(result).toMatchFileSnapshot(`${format}/${name.replace(/\.\w+$/, '')}.txt`)
})
