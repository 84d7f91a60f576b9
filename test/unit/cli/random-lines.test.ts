// Random command lines without a kernel that agrees: they end with a sentence and a status, whatever the words.
import { afterEach, expect, test, vi } from 'vitest'
import { admVerb } from '../../../cli/adm/entry.ts'
import { switches } from '../../../cli/adm/options.ts'
import { createContext } from '../../../cli/shared/context.ts'
import { createProgram, runProgram } from '../../../cli/verbs/program.ts'
import { FakeSession, failed } from '../support/fake-session.ts'
import { randomSource } from '../support/random.ts'
import { Written } from './written.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))
vi.mock('../../../cli/adm/names.ts', () => ({ lookUpHost: async () => undefined }))
afterEach(() => vi.restoreAllMocks())

const next = randomSource(13)
const random = (below: number): number => next() % below
function pick<Value>(values: readonly Value[]): Value {
  return values[random(values.length)] as Value
}

const values = [
  'mark:7 mark:0 mark:7/ipv6 tcp:172.16.0.100:80 udp:[2001:db8::1]:53 tcp:x:80 10.0.0.7 10.0.0.7:80 [fd00::1]:80 fd00::1',
  '10.0.0.0/8 10.0.0.5-10.0.0.9 300.1.1.1 ::ffff:1.2.3.4 0 1 7 0x7 80 443 65536 99999999999 -1 1.5 1e9 NaN 007 + - -- --- ,',
  '80,443 80- 80-90 90-80 all tcp udp sctp icmp 132 rr wrr RR sh mh none sip direct masquerade tunnel gue gre ipip local',
  'sh-port sh-fallback flag-3 sh-port,sh-port 255.255.255.0 255.0.255.0 32 128 yes no only client clientSubnet client,client',
  'eth0 eth* lo master backup 224.0.0.81 ff02::1 bash fish blue . .. / /dev/zero /dev/full /nope /etc constructor __proto__',
].flatMap((line) => line.split(' '))
const odd = [
  '',
  ' ',
  '\u001B[2J',
  '\u202E',
  '\uD800',
  'é中',
  '\n',
  'x'.repeat(5000),
  "'",
  '"',
  '\\',
  '$(x)',
  '%s',
  '=',
  '{}',
  '[]',
]

interface Grammar {
  readonly path: readonly string[]
  readonly options: readonly string[]
}

const program = createProgram(createContext(new Written()))
function grammars(command: typeof program, path: readonly string[] = []): Grammar[] {
  const options = command.options.flatMap(({ long }) => (long ? [long] : []))
  return [{ path, options }, ...command.commands.flatMap((each) => grammars(each, [...path, each.name()]))]
}
// These write files, watch without an end, or are other programs.
const commands = grammars(program).filter(({ path }) => !/^(save|lab|adm)|export/.test(path.join(' ')))
const short = switches.flatMap(({ short: letter, long }) => [
  `--${long}`,
  ...(letter === undefined ? [] : [`-${letter}`]),
])

const value = (): string => (random(8) === 0 ? pick(odd) : pick(values))

function verbWords(): string[] {
  const { path, options } = pick(commands)
  const words = [...path]
  for (let more = random(8); more > 0; more--) {
    const option = random(3) === 0 && options.length > 0 ? pick(options) : undefined
    if (option === undefined) words.push(value())
    else if (!option.includes('watch')) words.push(...(random(2) === 0 ? [`${option}=${value()}`] : [option, value()]))
  }
  if (random(30) === 0) words.splice(random(words.length + 1), 1, pick(odd))
  return words
}

function admWords(): string[] {
  const words: string[] = []
  for (let more = random(9); more > 0; more--) words.push(random(2) === 0 ? pick(short) : value())
  if (random(10) === 0) words.push(pick(short) + value())
  return words
}

const api =
  /\w\(\)|\b(options|filter|service|patch|destination|rule|daemon|timeouts|item)\.\w|\b(rules|fields|services)\[|ERR_|undefined|\[object/

async function problemOf(words: readonly string[], isAdm: boolean): Promise<string | undefined> {
  const output = new Written({ input: '-A -f 7\n' })
  try {
    const status = await (isAdm ? admVerb(words, output) : runProgram(words, output))
    if (![0, 1, 2, ...(isAdm ? [255] : [])].includes(status)) return `status ${status}`
    if (status !== 0 && output.stderr + output.stdout === '') return 'nothing said'
  } catch (error) {
    return (error as Error).stack
  }
  const said = words.reduce((text, word) => (word.length > 2 ? text.replaceAll(word, '') : text), output.stderr)
  return api.test(said) ? output.stderr : undefined
}

const refusal = () => Promise.resolve(failed('rejected', pick([1, 2, 3, 17, 22, 97]))) as never

test.each([
  ['verbs', 4000],
  ['adm', 4000],
])(
  '%s',
  async (kind, rounds) => {
    for (const method of ['execute', 'read', 'snapshot'] as const) {
      vi.spyOn(FakeSession.prototype, method).mockImplementation(refusal)
    }
    const problems: unknown[] = []
    for (let round = 0; round < rounds; round++) {
      const words = kind === 'adm' ? admWords() : verbWords()
      const problem = await problemOf(words, kind === 'adm')
      if (problem !== undefined) problems.push({ words, problem })
    }
    expect(problems).toEqual([])
  },
  120_000,
)
