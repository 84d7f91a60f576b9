// Errors of the API in the words of a command line: options and arguments in place of fields, commands in place of methods.
import type { IpvsError } from 'ipvs'

/** What stands for the fields and the phrases of the API on one command line. */
export interface Wording {
  /** The word that sets a field, such as `--weight` for `destination.weight`; `undefined`: none does. */
  readonly word: (attribute: string) => string | undefined
  /** Phrases with what to say instead. */
  readonly phrases: readonly (readonly [RegExp, string])[]
  /** Whether to say which service or destination it is about, where the error does. */
  readonly subjects: boolean
}

// `mark:7`, `tcp:172.16.0.100:80 -> 10.0.0.7:80`; nothing where the target says no more than the command did.
function subjectOf(target: string): string {
  const mark = /^FWM (\d+) (ipv[46])(.*)$/.exec(target)
  if (mark !== null) return `mark:${mark[1]}${mark[2] === 'ipv6' ? '/ipv6' : ''}${mark[3]}: `
  const address = /^(TCP|UDP|SCTP|\d+) (\S+:\d+.*)$/.exec(target)
  return address === null ? '' : `${(address[1] as string).toLowerCase()}:${address[2]}: `
}

/** Whether checks of ours refused a value that the command line gave: then it is the words that are wrong. */
export function isUsage({ code, errno, attribute = '', message }: IpvsError, { word }: Wording): boolean {
  const isValue = code === 'ERR_IPVS_INVALID_ARGUMENT' && errno === undefined && message.includes(`: ${attribute}: `)
  return isValue && word(attribute) !== undefined
}

/** What an error says, in one line. */
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
