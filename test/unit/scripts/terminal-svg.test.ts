// The README's pictures: what a terminal got, as SVG.
import { expect, test } from 'vitest'

const file = new URL('../../../scripts/terminal-svg.mjs', import.meta.url).href
const { renderSvg } = (await import(file)) as { renderSvg: (text: string, title: string) => string }

const texts = (svg: string) =>
  Array.from(svg.matchAll(/<text x="([\d.]+)" y="(\d+)"([^>]*)>([^<]*)</g), ([, x, y, rest = '', text]) => ({
    x: Number(x),
    y: Number(y),
    style: rest.replace(/ textLength="[\d.]+" lengthAdjust="\w+"/, '').trim(),
    text,
  }))

test('words are in their columns, with their styles', () => {
  const [prompt, first, second, bad, rest] = texts(
    renderSvg('$ x\n\u001B[1mA    B\u001B[22m\n\u001B[31mbad\u001B[39m  <ok>', 't'),
  )
  expect([prompt?.text, first?.text, second?.text, bad?.text, rest?.text]).toEqual([
    '$ x',
    'A',
    'B',
    'bad',
    '&lt;ok&gt;',
  ])
  expect([first?.style, second?.style, bad?.style, rest?.style]).toEqual([
    'font-weight="bold"',
    'font-weight="bold"',
    expect.stringMatching(/^fill="#[\da-f]{6}"$/),
    '',
  ])
  expect(second?.x).toBe(rest?.x)
  expect(new Set([prompt?.y, first?.y, bad?.y]).size).toBe(3)
})

test('the picture has a title', () => {
  expect(renderSvg('', 'ipvs <list>')).toContain('<title>ipvs &lt;list&gt;</title>')
})

test('an unknown style is an error', () => {
  expect(() => renderSvg('\u001B[45mx', 't')).toThrow('45')
})
