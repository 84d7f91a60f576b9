// Parses YAML 1.2 and knows the line and column of each value. Only this file loads the parser.
import { isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type Document, type Node, type ParsedNode } from 'yaml'
import { FileError } from './files.ts'

/** A value and the places of its parts. */
export interface YamlText {
  readonly value: unknown
  /** `name:line:column: ` of `services[3].service.port`, or of the innermost part of this path that the file has. */
  readonly placeOf: (path: string) => string
}

// The offset of a part: of the key in a map, of the item in a list.
function step(node: unknown, name: string): { readonly at: number | undefined; readonly node: unknown } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name)
    return pair && { at: (pair.key as Node).range?.[0], node: pair.value }
  }
  const item = isSeq(node) ? (node.items[Number(name)] as Node | undefined) : undefined
  return item && { at: item.range?.[0], node: item }
}

function offsetOf(document: Document<ParsedNode>, path: string): number {
  let node: unknown = document.contents
  let at = document.contents?.range[0] ?? 0
  for (const name of path.match(/[^.[\]]+/g) ?? []) {
    const next = step(node, name)
    if (next === undefined) break
    at = next.at ?? at
    node = next.node
  }
  return at
}

/** Parses YAML; throws `FileError` with line and column, both from 1. `name` is the name of the file. */
export function parseYaml(text: string, name: string): YamlText {
  const lineCounter = new LineCounter()
  const place = (offset: number): string => {
    const { line, col } = lineCounter.linePos(offset)
    return `${name}:${line}:${col}: `
  }
  if (text.trim() === '') throw new FileError(`${name}: is empty`)
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false })
  if (!Array.isArray(documents) || documents[0] === undefined) throw new FileError(`${name}: is empty`)
  const [document, second] = documents as Document.Parsed[]
  const [problem] = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])
  if (problem !== undefined) throw new FileError(`${place(problem.pos[0])}${problem.message}`, { cause: problem })
  if (second !== undefined) throw new FileError(`${place(second.range[0])}is a second document; write one per file`)
  try {
    const value: unknown = (document as Document.Parsed).toJS()
    return { value, placeOf: (path) => place(offsetOf(document as Document.Parsed, path)) }
  } catch (cause) {
    // An alias without anchor, or aliases that multiply.
    throw new FileError(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
