// Links between pages lead somewhere: fails when a file or a heading that a Markdown page names does not exist.
//   node scripts/check-links.mjs [root]
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'

const root = process.argv[2] ?? new URL('..', import.meta.url).pathname
const below = ['docs', 'bench', 'director', 'examples', 'scripts']
const skipped = /(^|\/)(node_modules|dist|api)\//
const pages = [
  ...readdirSync(root),
  ...below.flatMap((top) =>
    existsSync(join(root, top))
      ? readdirSync(join(root, top), { recursive: true }).map((name) => posix.join(top, name))
      : [],
  ),
].filter((name) => name.endsWith('.md') && !skipped.test(name))

const texts = new Map()
// Without the contents of fenced blocks.
function textOf(page) {
  if (!texts.has(page)) texts.set(page, readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```/gm, ''))
  return texts.get(page)
}

// A heading's anchor: small letters, without punctuation, blanks as hyphens.
function anchorsOf(page) {
  const headings = [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

const problems = pages.flatMap((page) =>
  [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => {
    if (/^[a-z]+:/.test(target)) return []
    const [path, anchor] = target.split('#')
    const file = path === '' ? page : posix.join(posix.dirname(page), path)
    if (!existsSync(join(root, file))) return [`${page}: ${target}: no such file`]
    const isLost = anchor !== undefined && !anchorsOf(file).includes(anchor)
    return isLost ? [`${page}: ${target}: no such heading`] : []
  }),
)
for (const problem of problems) console.error(`links: ${problem}`)
process.exit(problems.length > 0 ? 1 : 0)
