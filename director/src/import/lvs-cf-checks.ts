// Checks of an lvs.cf file. Its checker, nanny, sends a text and compares the beginning of the answer, or runs a program and
// compares what it prints.
import { durationText } from '../site/duration.ts'
import type { CheckTree, ImportContext, Remarks, TimingTree } from './imported.ts'
import { lvsCfNumber, type Block, type Setting } from './lvs-cf-lines.ts'
import { dnsQuestion, isInverted } from './check-scripts.ts'

/** What the checks of a block need. */
export interface LvsCfCheckInput {
  readonly block: Block
  /** Port of the virtual service. */
  readonly port: number
  /** The service has other ports too. */
  readonly several: boolean
  readonly protocol: 'tcp' | 'udp'
  readonly context: ImportContext
  readonly remarks: Remarks
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

/** `\n`, `\r`, `\t`, `\\` and quotes, as nanny replaces them. */
const unescaped = (text: string): string => text.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter)

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

/** POSIX classes, of which JavaScript has no names. */
const classes: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  xdigit: 'A-Fa-f0-9',
  punct: '!-\\/:-@\\[-`{-~',
}

/** A POSIX extended regular expression as JavaScript reads it. */
const fromPosix = (text: string): string =>
  text.replace(/\[:(\w+):\]/g, (whole, name: string) => classes[name] ?? whole)

function isPattern(text: string): boolean {
  try {
    RegExp(text)
    return true
  } catch {
    return false
  }
}

function expectOf(expect: Setting | undefined, regex: boolean, remarks: Remarks): string | undefined {
  if (expect === undefined) return undefined
  const text = unescaped(expect.words[0] ?? '')
  if (text === '*') return String.raw`[\s\S]`
  if (!regex) return `^${literal(text)}`
  const pattern = fromPosix(text)
  if (isPattern(pattern)) return pattern
  remarks.add('changed', expect.line, `expect ${text} is no regular expression here; its text is compared`)
  return literal(text)
}

/** Interval, limit and counts of a block. */
export function lvsCfTiming({ settings }: Block): TimingTree {
  const seconds = (key: string, otherwise: number): number => {
    const number = lvsCfNumber(settings.get(key)?.words[0] ?? '')
    return number === undefined || number === 0 ? otherwise : number
  }
  const timeout = seconds('timeout', 10)
  const interval = durationText(timeout * 1000)
  const rise = Math.max(1, Math.floor(seconds('reentry', 180) / timeout))
  return { interval, timeout: interval, whileFailing: interval, rise: Math.min(rise, 1000), fall: 1 }
}

/** `%h` and `%p` are whole words. The output decides, as with nanny; a program that fails or hangs never succeeds. */
function commandCheck(program: Setting, expect: string | undefined, { port }: LvsCfCheckInput): CheckTree {
  const words = (program.words[0] ?? '').split(/\s+/).filter((word) => word !== '')
  const fixed = words.map((word) => (word === '%p' ? String(port) : word))
  if (expect === undefined && !fixed.includes('%h')) return { command: { run: fixed } }
  const quoted = fixed.map((word) =>
    word === '%h' ? '"$IPVS_DIRECTOR_ADDRESS"' : `'${word.replaceAll("'", `'\\''`)}'`,
  )
  const call = quoted.join(' ')
  if (expect === undefined) return { command: { run: ['/bin/sh', '-c', `exec ${call}`] } }
  return { command: { run: ['/bin/sh', '-c', `[ "$(${call})" = "$1" ]`, 'check', expect] } }
}

function programCheck(program: Setting, input: LvsCfCheckInput): CheckTree {
  const { block, context, remarks } = input
  const [path = ''] = (program.words[0] ?? '').split(/\s+/)
  const expect = block.settings.get('expect')?.words[0]
  const wanted = expect === undefined ? undefined : unescaped(expect)
  const script = context.program(path)
  const inverted = script !== undefined && wanted !== undefined && isInverted(script, wanted)
  if (inverted) {
    const text = `${path} is inverted: it prints ${wanted} when it does NOT find what it looks for`
    const question = dnsQuestion(script)
    remarks.add(
      'changed',
      program.line,
      question === undefined ? `${text}; mend it` : `${text}; the site has a dns check`,
    )
    if (question !== undefined) return { dns: { port: 53, ...question } }
  }
  remarks.add(
    'changed',
    program.line,
    `${path}: nanny takes a program that hangs or fails for a success; here it fails`,
  )
  return commandCheck(program, wanted, input)
}

/** The check of a block, with its port. */
export function lvsCfCheck(input: LvsCfCheckInput): CheckTree {
  const { block, port, several, protocol, remarks } = input
  const { settings } = block
  const program = settings.get('send_program')
  if (program !== undefined && program.words[0] !== '') return programCheck(program, input)
  const regex = settings.get('use_regex')?.words[0] === '1'
  const given = settings.get('send')?.words[0]
  const send = given === undefined || given === '' ? undefined : unescaped(given)
  const expect = expectOf(settings.get('expect'), regex, remarks)
  const exchange = {
    ...(several ? { port } : {}),
    ...(send === undefined ? {} : { send }),
    ...(expect === undefined ? {} : { expect }),
  }
  if (protocol === 'udp') {
    const text = 'nothing is sent to the UDP port: only a refused port fails; write a dns check or send'
    if (send === undefined) remarks.add('changed', block.line, text)
    return { udp: exchange }
  }
  const isWeb = send === undefined && expect === undefined && port === 80
  return { tcp: isWeb ? { ...exchange, send: 'GET / HTTP/1.0\r\n\r\n', expect: '^HTTP' } : exchange }
}
