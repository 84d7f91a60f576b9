// Parses a file of `ipvs save`.
import type { Document } from '../../state/document.ts'
import { FileError } from './files.ts'
import { parseJson } from './json-text.ts'

const known = new Set(['version', 'timeouts', 'services', 'daemons', 'marks', 'nat'])

// Checks the structure only. Rows are checked when they are applied.
function problemOf(document: Readonly<Record<string, unknown>>): string | undefined {
  if (document['version'] !== 1) return 'not a file of "ipvs save": "version": 1 is missing'
  const stray = Object.keys(document).find((name) => !known.has(name))
  if (stray !== undefined) return `unknown field ${JSON.stringify(stray)} (accepted: ${[...known].join(', ')})`
  if (document['services'] === undefined) return '"services" is missing'
  const lists = ['services', 'daemons', 'marks', 'nat']
  const wrong = lists.find((name) => document[name] !== undefined && !Array.isArray(document[name]))
  return wrong === undefined ? undefined : `"${wrong}" is not an array`
}

/** Parses a saved document; throws `FileError`. `name` is the name of the file. */
export function parseDocument(text: string, name = 'standard input'): Document {
  const document = parseJson(text, name)
  const isObject = typeof document === 'object' && document !== null && !Array.isArray(document)
  const problem = problemOf(isObject ? (document as Record<string, unknown>) : {})
  if (problem !== undefined) throw new FileError(`${name}: ${problem}`)
  return document as Document
}
