// YAML to plain values, with the place of each in the text.
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Alias, type Node, type Scalar } from 'yaml'
import { pathText, printable, show, type Finding, type Path, type SiteProblem } from './problems.ts'

/** More values than this, with aliases expanded, are refused: a few lines of aliases can stand for billions. */
const MOST_VALUES = 5_000_000

/** A text that has been read as YAML. JSON is YAML. */
export interface SiteDocument {
  /** Maps are objects without prototype. */
  readonly value: unknown
  /** Mistakes of the YAML itself. */
  readonly findings: readonly SiteProblem[]
  /** Gives a finding its place. */
  place(finding: Finding): SiteProblem
}

interface Converted {
  readonly value: unknown
  /** Number of values, with aliases expanded. */
  readonly size: number
}

const keyText = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''

/** Makes plain values. An alias is the value of its anchor, the same object: the text stays small whatever it stands for. */
class Conversion {
  readonly findings: Finding[] = []
  /** Where each alias leads: the library looks for an anchor in the whole document, each time. */
  readonly targets = new Map<Alias, Node>()
  readonly #anchors = new Map<string, Node>()
  readonly #known = new Map<Node, Converted>()
  readonly #open = new Set<Node>()

  convert(node: unknown, path: Path): Converted {
    const anchor = (node as { anchor?: string } | null)?.anchor
    if (anchor !== undefined) this.#anchors.set(anchor, node as Node)
    if (isScalar(node)) {
      this.#leadingZero(node, path)
      return { value: node.value, size: 1 }
    }
    if (isAlias(node)) return this.#alias(node, path)
    if (!isMap(node) && !isSeq(node)) return { value: null, size: 1 }
    this.#open.add(node)
    const converted = isMap(node) ? this.#map(node.items, path) : this.#list(node.items, path)
    this.#open.delete(node)
    if (node.anchor !== undefined) this.#known.set(node, converted)
    return converted
  }

  /** YAML 1.2 reads 010 as 10, YAML 1.1 as 8, people as either. */
  #leadingZero({ value, source = '' }: Scalar, path: Path): void {
    if (typeof value !== 'number' || !/^[-+]?0\d/.test(source)) return
    const text = `${source} begins with 0: some programs read it as octal`
    this.findings.push({ code: 'leading-zero', path, text, fix: `write ${String(value)}` })
  }

  #target(alias: Alias): Node | undefined {
    const target = this.#anchors.get(alias.source)
    if (target !== undefined) this.targets.set(alias, target)
    return target
  }

  #alias(alias: Alias, path: Path): Converted {
    const target = this.#target(alias)
    const nothing = { value: null, size: 1 }
    if (target === undefined) {
      this.findings.push({ code: 'yaml', path, text: `no anchor &${alias.source} stands before this alias` })
      return nothing
    }
    if (this.#open.has(target)) {
      const text = `alias *${alias.source} stands inside its own anchor`
      this.findings.push({ code: 'alias-cycle', path, text, fix: 'write the value out' })
      return nothing
    }
    return this.#known.get(target) ?? this.convert(target, path)
  }

  #map(items: readonly { key: unknown; value: unknown }[], path: Path): Converted {
    const value = Object.create(null) as Record<string, unknown>
    let size = 1
    for (const item of items) {
      const key = isAlias(item.key) ? this.#target(item.key) : item.key
      const text = isScalar(key) ? keyText(key.value) : ''
      if (text === '') {
        this.findings.push({ code: 'key', path, text: 'a key of this map is not text', fix: 'write a plain name' })
        continue
      }
      const here = [...path, text]
      if (Object.hasOwn(value, text)) {
        const words = 'this key stands twice in the map'
        this.findings.push({
          code: 'duplicate-key',
          path: here,
          text: words,
          fix: 'remove one of the two',
          atKey: true,
        })
        continue
      }
      if (text === '__proto__') {
        this.findings.push({ code: 'unknown-key', path: here, text: 'unknown key', fix: 'remove it', atKey: true })
        continue
      }
      const converted = this.convert(item.value, here)
      value[text] = converted.value
      size += converted.size
    }
    return { value, size }
  }

  #list(items: readonly unknown[], path: Path): Converted {
    let size = 1
    const value = items.map((item, index) => {
      const converted = this.convert(item, [...path, index])
      size += converted.size
      return converted.value
    })
    return { value, size }
  }
}

type Offsets = readonly [number, number, number]

const startOf = (node: unknown): number | undefined => (node as { range?: Offsets | null } | null)?.range?.[0]

/** Offset of the value, or of the last key. A path that the text does not have leads to its longest part that it has. */
function offsetOf(contents: unknown, targets: ReadonlyMap<Alias, Node>, path: Path, atKey: boolean): number {
  let node = contents
  let offset = startOf(node) ?? 0
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = targets.get(node)
    if (isMap(node)) {
      const last = index === path.length - 1
      const same = ({ key }: { key: unknown }): boolean =>
        keyText(isScalar(key) ? key.value : isAlias(key) ? (targets.get(key) as Scalar | undefined)?.value : '') ===
        String(step)
      // Of two equal keys the second one is the one that is told.
      const found = last && atKey ? node.items.findLast(same) : node.items.find(same)
      if (found === undefined) return offset
      const value = startOf(found.value)
      const empty = isScalar(found.value) && found.value.source === ''
      offset = (last && atKey) || empty ? (startOf(found.key) ?? offset) : (value ?? startOf(found.key) ?? offset)
      node = found.value
    } else if (isSeq(node)) {
      const item = node.items[Number(step)]
      if (item === undefined) return offset
      offset = startOf(item) ?? offset
      node = item
    } else return offset
  }
  return offset
}

/** One missing bracket makes many faults. */
const MOST_FAULTS = 20

/** The library's own counter misses lines after some mistakes. */
function lineStartsOf(text: string): readonly number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
}

function placeOf(lineStarts: readonly number[], offset: number): { line: number; column: number } {
  let low = 0
  let high = lineStarts.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((lineStarts[middle] as number) <= offset) low = middle
    else high = middle
  }
  return { line: low + 1, column: offset - (lineStarts[low] as number) + 1 }
}

/** Words for mistakes of the YAML, where the library's own are hard to understand. */
const words: Readonly<Record<string, readonly [string, string?]>> = {
  MULTIPLE_DOCS: ['the file has several YAML documents', 'keep one, without a line of --- between'],
  TAB_AS_INDENT: ['a tab cannot indent a line', 'use spaces'],
}

/** Reads the text. Never throws: mistakes are findings. */
export function readDocument(text: string, file: string): SiteDocument {
  try {
    return read(text, file)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const findings: SiteProblem[] = [
      {
        severity: 'error',
        code: 'too-deep',
        file,
        line: 1,
        column: 1,
        path: '',
        text: 'maps and lists are nested too deeply',
        fix: undefined,
      },
    ]
    return { value: undefined, findings, place: () => findings[0] as SiteProblem }
  }
}

function read(text: string, file: string): SiteDocument {
  const lineStarts = lineStartsOf(text)
  // Keys are compared below: the library compares each with each.
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'error' })
  const conversion = new Conversion()
  const placed = (offset: number, finding: Finding, path: string): SiteProblem => {
    const { line, column } = placeOf(lineStarts, Math.min(offset, text.length))
    const { severity = 'error', code, fix } = finding
    return { severity, code, file, line, column, path, text: finding.text, fix }
  }
  const place = (finding: Finding): SiteProblem => {
    const offset = offsetOf(document.contents, conversion.targets, finding.path, finding.atKey ?? false)
    return placed(offset, finding, pathText(finding.path))
  }
  // Nested too deeply: what follows in the list of errors is its consequence.
  const faults = [...document.errors, ...document.warnings]
  if (faults.some(({ message }) => message.startsWith('Maximum call stack'))) throw new RangeError('nested too deeply')
  const findings = faults.slice(0, MOST_FAULTS).map(({ code, message, pos }) => {
    const [own, fix] = words[code] ?? [printable(message.slice(0, 200))]
    return placed(pos[0], { code: 'yaml', path: [], text: own, fix }, '')
  })
  if (findings.length > 0) return { value: undefined, findings, place }
  const { value, size } = conversion.convert(document.contents, [])
  if (size > MOST_VALUES) {
    conversion.findings.push({
      code: 'too-large',
      path: [],
      text: `the file has ${show(size)} values`,
      fix: 'use fewer aliases',
    })
    return { value: undefined, findings: conversion.findings.map(place), place }
  }
  return { value, findings: conversion.findings.map(place), place }
}
