// Translates errors of the API into terms of a command line: options and arguments instead of fields, commands instead of methods.
import type { IpvsError } from 'ipvs'

/** Replacements for fields and phrases of the API on one command line. */
export interface Wording {
  /** Returns the word that sets a field, such as `--weight` for `destination.weight`, or `undefined`. */
  readonly word: (attribute: string) => string | undefined
  /** Phrases and their replacements. */
  readonly phrases: readonly (readonly [RegExp, string])[]
  /** Whether to include the service or destination of the error. */
  readonly subjects: boolean
}

// `mark:7: `, `tcp:172.16.0.100:80 -> 10.0.0.7:80: `; empty if the target is neither a service nor a destination.
function subjectOf(target: string): string {
  const mark = /^FWM (\d+) (ipv[46])(.*)$/.exec(target)
  if (mark !== null) return `mark:${mark[1]}${mark[2] === 'ipv6' ? '/ipv6' : ''}${mark[3]}: `
  const address = /^(TCP|UDP|SCTP|\d+) (\S+:\d+.*)$/.exec(target)
  return address === null ? '' : `${(address[1] as string).toLowerCase()}:${address[2]}: `
}

/** Whether our checks refused a value of the command line: then it is a usage error. */
export function isUsage({ code, errno, attribute = '', message }: IpvsError, { word }: Wording): boolean {
  const isValue = code === 'ERR_IPVS_INVALID_ARGUMENT' && errno === undefined && message.includes(`: ${attribute}: `)
  return isValue && word(attribute) !== undefined
}

/** The message of an error, in one line. */
export function inWords({ message, operation, target, attribute }: IpvsError, wording: Wording): string {
  const head = new RegExp(`^${operation}(?: .*?)?: (?=\\S)`, 's')
  const start = `${operation} ${target}: `
  let text = message.startsWith(start) ? message.slice(start.length) : message.replace(head, '')
  const { word, phrases, subjects } = wording
  let subject = subjects ? subjectOf(target) : ''
  if (attribute !== undefined && text.startsWith(`${attribute}: `)) {
    subject = ''
    text = `${word(attribute) ?? attribute}${text.slice(attribute.length)}`
  }
  return phrases.reduce((said, [phrase, instead]) => said.replaceAll(phrase, instead), `${subject}${text}`)
}
