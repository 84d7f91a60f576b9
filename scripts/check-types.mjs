// C++ types with external linkage have one definition: fails when two files of native/ define a type of the same name in the
// same namespace. The compiler sees one file at a time and the linker takes one of the two without a word.
//   node scripts/check-types.mjs [root]
// Reads the text as clang-format leaves it: namespaces and their types begin in the first column.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = process.argv[2] ?? new URL('..', import.meta.url).pathname
const definition =
  /^(?:template <.*> ?)?(?:struct|class|union|enum(?: class| struct)?) (?:\[\[.*\]\] )?(\w+)(?: (?:final|:).*)?(?: \{.*)?$/

/** Yields the qualified names of the types that a file defines, without types of unnamed namespaces. */
function* typesOf(text) {
  const namespaces = []
  for (const line of text.split('\n')) {
    const opened = /^(?:inline )?namespace ?([\w:]*) \{$/.exec(line)
    if (opened) namespaces.push(opened[1])
    else if (line.startsWith('} // namespace')) namespaces.pop()
    const name = definition.exec(line)?.[1]
    if (name !== undefined && !namespaces.includes('')) yield [...namespaces, name].join('::')
  }
}

const places = new Map()
const files = readdirSync(join(root, 'native'), { recursive: true }).filter((name) => /\.(cc|h)$/.test(name))
for (const file of files) {
  for (const type of typesOf(readFileSync(join(root, 'native', file), 'utf8'))) {
    places.set(type, [...(places.get(type) ?? []), `native/${file}`])
  }
}
const twice = [...places].filter(([, found]) => found.length > 1)
for (const [type, found] of twice) {
  console.error(
    `types: ${type} is defined in ${found.join(' and in ')}; rename one, or move it into an unnamed namespace`,
  )
}
if (places.size === 0) console.error('types: native/ has no type: is the root right?')
process.exit(twice.length > 0 || places.size === 0 ? 1 : 0)
