// Translates errors of the API into terms of the verbs.
import type { IpvsError } from 'ipvs'
import type { Command } from 'commander'
import { inWords, type Wording } from './wording.ts'

// Options and arguments with names different from their fields.
const aliases: Readonly<Record<string, readonly string[]>> = {
  timeoutSeconds: ['persistence'],
  schedulerFlags: ['flags'],
  persistenceEngine: ['engine'],
  upperThreshold: ['upper'],
  lowerThreshold: ['lower'],
  sourcePorts: ['ports'],
  fields: ['count-by'],
  n: ['top'],
}

const phrases: Wording['phrases'] = [
  [/: undefined is not /g, ': is missing: '],
  [/updateService\(\)/g, '"ipvs set service"'],
  [/updateDestination\(\)/g, '"ipvs set destination"'],
  [/stopSyncDaemon\(\)/g, '"ipvs adm --stop-daemon"'],
  [/replace\(\)/g, '"ipvs marks replace"'],
  [/see list\(\)/g, 'see "ipvs marks list" and "ipvs marks nat list"'],
  [/^--netns: netns: /g, '--netns: '],
  [/^netns: /g, '--netns: '],
  [/name forwarding \(/g, 'name --forwarding ('],
  [/tunnel options need forwarding "tunnel" named with them/g, 'only with --forwarding tunnel'],
  [/set type to "gue" or leave port out/g, 'use --tunnel gue, or leave it out'],
  [/use forwarding "(\w+)"/g, 'use --forwarding $1'],
  [/leave port out/g, 'leave the port out'],
  [/above upperThreshold/g, 'above --upper'],
  [/is lowerThreshold/g, 'is --lower'],
  [/options\.from/g, '--from'],
  [/use a fwmark service/g, 'use a service of a mark'],
  [/a service has either a fwmark or/g, 'a service has either a mark or'],
  [/the handle's network namespace/g, 'the network namespace'],
]

// `upperThreshold` to `upper-threshold`.
const dashed = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

// Possible names of a field's option or argument, the most likely first.
function candidates(attribute: string): readonly string[] {
  const path = attribute.replaceAll(/\[\d+\]/g, '')
  const [root = '', ...rest] = path.split('.')
  const leaf = rest.at(-1) ?? root
  if (/^service(\.(fwmark|family|protocol|address|port))?$/.test(path)) return ['service']
  if (/^destination(\.(address|port))?$/.test(path)) return ['destination']
  if (rest[0] === 'tunnel') return [leaf === 'port' ? 'tunnel-port' : leaf === 'checksum' ? leaf : 'tunnel']
  // `rule.address` is the option --to of masquerade rules; `filter.client.port` is part of --client.
  const inner = root === 'filter' ? rest[0] : leaf
  return [inner ?? leaf, dashed(inner ?? leaf), ...(aliases[leaf] ?? []), ...(path === 'rule.address' ? ['to'] : [])]
}

function wordOf(command: Command, attribute: string): string | undefined {
  const names = candidates(attribute)
  const argument = command.registeredArguments.find((each) => names.includes(each.name()))
  if (argument !== undefined) return `<${argument.name()}>`
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const option = at.options.find(({ long }) => long !== undefined && names.includes(long.slice(2)))
    if (option !== undefined) return option.long
  }
  return undefined
}

/** The wording of one command. */
export function wordingOf(command: Command): Wording {
  return { word: (attribute) => wordOf(command, attribute), phrases, subjects: true }
}

/**
 * Describes an error in a part of a document by its place: `services[3].service.port` for `service.port` at
 * `services[3].service`. For a list of rules the place is empty, and that of one rule is `[3]`.
 */
export function inDocument(error: IpvsError, place: string): string {
  const word = (attribute: string) => `${place}${attribute.replace(/^[a-z]+/, '')}`
  const text = inWords(error, { word, phrases: [[/\brules\[/g, `${place}[`], ...phrases], subjects: true })
  return place === '' || text.startsWith(place) ? text : `${place}: ${text}`
}
