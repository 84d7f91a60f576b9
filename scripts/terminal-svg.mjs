// Renders terminal output as SVG: text with the styles of our own programs only.

const SEQUENCE = new RegExp(`${String.fromCharCode(27)}\\[([\\d;]*)m`)

const CELL = 8.43
const LINE = 19
const MARGIN = 16

const colours = { 31: '#ff7b72', 32: '#7ee787', 33: '#f2cc60' }

/** The style after a sequence such as `ESC [ 1 m`. */
function apply(style, code) {
  if (code === 0) return {}
  if (code === 1) return { ...style, 'font-weight': 'bold' }
  if (code === 2) return { ...style, opacity: '0.65' }
  if (code === 22) return { fill: style.fill }
  if (code === 39) return { ...style, fill: undefined }
  if (colours[code] === undefined) throw new Error(`terminal-svg: no style for ${code}`)
  return { ...style, fill: colours[code] }
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const attributes = (all) =>
  Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${value}"`)
    .join('')

/** Pieces of text with their styles. */
function* pieces(line) {
  let style = {}
  // split() returns text and codes alternately.
  for (const [at, part] of line.split(SEQUENCE).entries()) {
    if (at % 2 === 0) yield { text: part, style }
    else for (const code of part.split(';')) style = apply(style, Number(code))
  }
}

const plain = (line) => Array.from(pieces(line), ({ text }) => text).join('')

// Places each word at its terminal cells and stretches it to their width, because fonts differ.
function words(line, y) {
  const out = []
  let column = 0
  for (const { text, style } of pieces(line)) {
    for (const { 0: word, index } of text.matchAll(/\S+(?: \S+)*/g)) {
      const width = [...word].length
      const x = (MARGIN + (column + index) * CELL).toFixed(1)
      const place = { x, y, textLength: (width * CELL).toFixed(1), lengthAdjust: 'spacingAndGlyphs', ...style }
      out.push(`<text${attributes(place)}>${escape(word)}</text>`)
    }
    column += [...text].length
  }
  return out
}

/** Renders text with ANSI styles as SVG; `title` is for screen readers. */
export function renderSvg(text, title) {
  const lines = text.split('\n')
  const columns = Math.max(...lines.map((line) => plain(line).length))
  const width = Math.ceil(2 * MARGIN + columns * CELL)
  const height = 2 * MARGIN + lines.length * LINE
  const body = lines.flatMap((line, at) => words(line, MARGIN + at * LINE + 14))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escape(title)}</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">
${body.join('\n')}
</g>
</svg>
`
}
