// Parses files with states: `ipvs save` writes them, people write them in YAML or JSON.
import type { State } from '../../state/index.ts'
import { FileError } from './files.ts'
import { parseJson } from './json-text.ts'

/** A state that is not validated yet. */
export interface StateFile {
  readonly state: State
  /** Where a path of the state is in the file: `services.yaml:12:7: `. Empty if the parser has no positions. */
  readonly placeOf: (path: string) => string
}

const lists = ['services', 'daemons', 'marks', 'nat']
const sections = ['version', 'timeouts', ...lists]

// Checks the sections only. Their rows are checked when they are compared with the kernel's.
function stateFile(value: unknown, name: string, placeOf: StateFile['placeOf'] = () => ''): StateFile {
  const refuse = (path: string, problem: string): never => {
    throw new FileError(`${placeOf(path) || `${name}: `}${problem}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('', `is not an object with the sections ${sections.join(', ')}`)
  }
  const state = value as Readonly<Record<string, unknown>>
  const stray = Object.keys(state).find((each) => !sections.includes(each))
  if (stray !== undefined) {
    refuse(stray, `unknown field ${JSON.stringify(stray)} (accepted: ${sections.join(', ')})`)
  }
  const wrong = lists.find((each) => state[each] !== undefined && !Array.isArray(state[each]))
  if (wrong !== undefined) refuse(wrong, `"${wrong}" is not an array`)
  return { state, placeOf }
}

/** Parses a file of `ipvs save`; throws `FileError`. `name` is the name of the file. */
export function parseSaved(text: string, name = 'standard input'): StateFile {
  const state = parseJson(text, name)
  const { version, services } = (state ?? {}) as { readonly version?: unknown; readonly services?: unknown }
  if (version !== 1) throw new FileError(`${name}: not a file of "ipvs save": "version": 1 is missing`)
  if (services === undefined) throw new FileError(`${name}: "services" is missing`)
  return stateFile(state, name)
}

// JSON in files with another name begins with a brace.
function isJson(text: string, name: string): boolean {
  if (/\.ya?ml$/i.test(name)) return false
  return /\.json$/i.test(name) || text.trimStart().startsWith('{')
}

/** Parses a state in JSON or YAML, or a part of one; throws `FileError`. Loads the YAML parser only for YAML. */
export async function parseState(text: string, name: string): Promise<StateFile> {
  if (isJson(text, name)) return stateFile(parseJson(text, name), name)
  const { parseYaml } = await import('./yaml-text.ts')
  const { value, placeOf } = parseYaml(text, name)
  return stateFile(value, name, placeOf)
}
