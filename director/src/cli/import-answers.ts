// What importers ask of this host: addresses of names, scripts, included files, names of ports.
import { lookup } from 'node:dns/promises'
import { readFile, readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { askedNames, servicePorts, type Answers, type ForeignRules } from '../import/context.ts'
import type { Importer } from '../import/imported.ts'

/** Programs longer than this are no scripts that anybody reads. */
const LONGEST_SCRIPT = 65_536
const DEEPEST_INCLUDE = 10

/** The values that `ask` finds; names without one are left out. */
async function answers<Value>(
  names: ReadonlySet<string>,
  ask: (name: string) => Promise<Value | undefined>,
): Promise<ReadonlyMap<string, Value>> {
  const found = new Map<string, Value>()
  for (const name of names) {
    const value = await ask(name)
    if (value !== undefined) found.set(name, value)
  }
  return found
}

/** A name without an address, and a file that is not here, are remarks of the importer. */
async function addressOf(name: string): Promise<string | undefined> {
  return await lookup(name).then(
    ({ address }) => address,
    () => undefined,
  )
}

async function scriptOf(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text?.startsWith('#!') === true && text.length <= LONGEST_SCRIPT ? text : undefined
}

/** The files of a pattern with `*` and `?` in its last part, by name. */
async function filesOf(pattern: string, folder: string): Promise<readonly string[] | undefined> {
  const path = resolve(folder, pattern)
  const part = basename(path)
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  const names = await readdir(dirname(path)).catch(() => [])
  const found = names.filter((name) => new RegExp(`^${part}$`).test(name)).toSorted()
  if (found.length === 0) return undefined
  return Promise.all(found.map((name) => readFile(join(dirname(path), name), 'utf8')))
}

/** Runs the importer until it asks for nothing new, and returns the answers. `file`: the place of the text. */
export async function askHost(importer: Importer, text: string, file: string, rules: ForeignRules): Promise<Answers> {
  let includes: ReadonlyMap<string, readonly string[]> = new Map()
  let asked = askedNames(importer, text, rules, includes)
  for (let depth = 0; depth < DEEPEST_INCLUDE && asked.includes.size > includes.size; depth++) {
    const before = includes.size
    includes = await answers(asked.includes, (pattern) => filesOf(pattern, dirname(file)))
    asked = askedNames(importer, text, rules, includes)
    if (includes.size === before) break
  }
  return {
    includes,
    addresses: await answers(asked.addresses, addressOf),
    programs: await answers(asked.programs, scriptOf),
    ports: servicePorts(await readFile('/etc/services', 'utf8').catch(() => '')),
    ...rules,
  }
}
