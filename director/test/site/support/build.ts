import { errorLines } from './problems.ts'
import { parseSite } from '../../../src/site/parse.ts'
import type { Site } from '../../../src/site/site.ts'

type Value = unknown
type Steps = readonly (string | number)[]

/** `services.s.servers[0].weight`. */
const stepsOf = (path: string): Steps =>
  [...path.matchAll(/[^.[\]]+/g)].map(([step]) => (/^\d+$/.test(step) ? Number(step) : step))

function withValue(target: Value, [step, ...rest]: Steps, value: Value): Value {
  if (step === undefined) return value
  if (typeof step === 'number') {
    const list = [...((target ?? []) as Value[])]
    list[step] = withValue(list[step], rest, value)
    return list
  }
  const map = { ...((target ?? {}) as Record<string, Value>) }
  const changed = withValue(map[step], rest, value)
  if (changed === undefined) delete map[step]
  else map[step] = changed
  return map
}

/** Each service and server of a small site is right; a test changes one field. */
const base = {
  version: 1,
  services: {
    s: {
      virtual: { address: '172.16.0.1', protocol: 'tcp', port: 80 },
      servers: [
        { name: 'a', address: '10.0.0.1' },
        { name: 'b', address: '10.0.0.2' },
      ],
      checks: [{ tcp: {} }],
    },
  },
}

/** The text of the site with one field changed. `undefined` removes it. */
export function siteWith(...changes: readonly (readonly [path: string, value: Value])[]): string {
  return JSON.stringify(
    changes.reduce<Value>((site, [path, value]) => withValue(site, stepsOf(path), value), base),
    undefined,
    1,
  )
}

/** The value of the model. */
export function modelAt(text: string, path: string): unknown {
  const { site } = parseSite(text)
  return stepsOf(path).reduce<unknown>(
    (value, step) => (value as Record<string, unknown> | undefined)?.[step],
    site satisfies Site,
  )
}

/** Words of the only error, without place. */
export function errorOf(text: string): string {
  const lines = errorLines(text).map((line) => line.replace(/^site\.yaml:\d+:\d+: /, ''))
  return lines.join('\n')
}
