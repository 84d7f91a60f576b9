// What zod found, in words about the file.
import type { z } from 'zod'
import { nearest } from './nearest.ts'
import { pathText, show, type Finding, type Path } from './problems.ts'

type RawIssue = z.core.$ZodRawIssue
type Issue = z.core.$ZodIssue

/** `meant`: the key that was probably meant. */
type MeantFinding = Finding & { readonly meant?: string | undefined }

/** Text of a field that must not be empty. */
const EMPTY = 'is empty\ngive it a value, or remove it'

/** Words of an issue of the schema: the fix follows in a second line. Fields with an own text never come here. */
export function describe(issue: RawIssue): string {
  const { input } = issue
  switch (issue.code) {
    case 'unrecognized_keys': {
      const { shape = {} } = issue.inst as unknown as { shape?: object }
      return Object.keys(shape).join('\n')
    }
    case 'invalid_type':
      if (input === undefined) return 'is missing'
      if (input === null)
        return `is empty\n${issue.expected === 'object' || issue.expected === 'record' ? 'write {} or remove it' : 'give it a value, or remove it'}`
      return `${show(input)} is not ${kindWords[issue.expected] ?? issue.expected}${quoted(input, issue.expected)}`
    case 'invalid_value': {
      if (input === undefined) return 'is missing'
      const values = issue.values.map((value) => (typeof value === 'string' ? value : show(value)))
      const near = typeof input === 'string' ? nearest(input, values) : undefined
      return `${show(input)} is not known\n${near === undefined ? `write ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}` : `did you mean ${near}?`}`
    }
    case 'too_small':
      if (issue.origin === 'string') return EMPTY
      return issue.origin === 'array'
        ? 'is an empty list\ngive it an element'
        : `${show(input)} is too small\nwrite ${String(issue.minimum)} or more`
    case 'too_big':
      return issue.origin === 'string'
        ? `${show(input)} is too long\nuse at most ${String(issue.maximum)} characters`
        : `${show(input)} is too large\nwrite ${String(issue.maximum)} or less`
    case 'invalid_format':
      return `${show(input)} is not ${issue.format === 'url' ? 'a URL' : 'valid here'}`
    default:
      return 'is not valid here'
  }
}

const kindWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

function quoted(input: unknown, expected: string): string {
  if (expected === 'string' && typeof input !== 'object') return `\nwrite it in quotes`
  if ((expected === 'number' || expected === 'int') && typeof input === 'string' && /^\d+$/.test(input))
    return '\nwrite it without quotes'
  if (expected === 'boolean' && typeof input === 'string' && /^(?:yes|on|no|off)$/i.test(input))
    return `\nwrite ${/^(?:yes|on)$/i.test(input) ? 'true' : 'false'}`
  return ''
}

/** One finding for each mistake. `base`: the path of the parsed value. */
export function findingsOf(issues: readonly Issue[], base: Path = []): Finding[] {
  const findings = allFindings(issues, base)
  // A misspelled key explains why the key that was meant is missing, and why a check has no kind, or an address no port.
  const unknown = findings.filter(({ code }) => code === 'unknown-key')
  if (unknown.length === 0) return findings
  const explained = new Set(
    unknown.flatMap(({ path, meant }) => [
      pathText(path.slice(0, -1)),
      ...(meant === undefined ? [] : [pathText([...path.slice(0, -1), meant])]),
    ]),
  )
  const follows = ({ code, path, text }: Finding): boolean =>
    (code === 'missing' || (code === 'invalid-value' && text.startsWith('has no '))) &&
    path.length > 0 &&
    explained.has(pathText(path))
  return findings.filter((finding) => !follows(finding))
}

function allFindings(issues: readonly Issue[], base: Path): MeantFinding[] {
  return issues.flatMap((issue): MeantFinding[] => {
    const path: Path = [...base, ...(issue.path as (string | number)[])]
    const [text = '', fix] = issue.message.split('\n')
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => unknownKey([...path, key], key, issue.message.split('\n')))
      case 'invalid_union':
        return unionFindings(issue.errors, path, issue)
      case 'invalid_key':
        return issue.issues.slice(0, 1).map(({ message }) => {
          const [words = '', help] = message.split('\n')
          return { code: 'invalid-key', path, text: words, fix: help, atKey: true }
        })
      default:
        if (text === 'is missing') return [{ code: 'missing', path, text: 'is missing', fix: 'add it' }]
        return [{ code: codeOf(issue.code), path, text, fix }]
    }
  })
}

const codeOf = (code: string): string => (code === 'invalid_type' ? 'wrong-type' : 'invalid-value')

function unknownKey(path: Path, key: string, known: readonly string[]): MeantFinding {
  const near = nearest(key, known)
  const fix = near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`
  return { code: 'unknown-key', path, text: 'unknown key', fix, atKey: true, meant: near }
}

/** A form that is several forms itself stands for these. */
function branches(errors: readonly (readonly Issue[])[]): readonly (readonly Issue[])[] {
  return errors.flatMap((list) => {
    const [first] = list
    const again = list.length === 1 && first?.code === 'invalid_union' && first.path.length === 0
    return again ? branches(first.errors) : [list]
  })
}

/** Of several forms the one that was meant: the one whose mistakes lie inside the value. */
function unionFindings(errors: readonly (readonly Issue[])[], path: Path, issue: Issue): MeantFinding[] {
  const wrongKind = (list: readonly Issue[]): boolean =>
    list.some(
      ({ code, path: inner }) =>
        inner.length === 0 && (code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union'),
    )
  const nested = branches(errors)
  const meant = nested
    .filter((list) => list.length > 0 && !wrongKind(list))
    .toSorted((one, other) => one.length - other.length)[0]
  if (meant !== undefined) return allFindings(meant, path)
  if (issue.input === undefined) return [{ code: 'missing', path, text: 'is missing', fix: 'add it' }]
  if (issue.input === null)
    return [{ code: 'wrong-type', path, text: 'is empty', fix: 'give it a value, or remove it' }]
  const forms = nested.flat().flatMap((each): string[] => {
    if (each.code === 'invalid_type') return [kindWords[each.expected] ?? each.expected]
    return each.code === 'invalid_value' ? each.values.map(String) : []
  })
  const fix = forms.length === 0 ? undefined : `write ${[...new Set(forms)].join(' or ')}`
  return [{ code: 'wrong-type', path, text: `${show(issue.input)} is not valid here`, fix }]
}
