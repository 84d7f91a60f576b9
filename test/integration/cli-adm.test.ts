// `ipvs adm` compared with ipvsadm: the same command lines in two namespaces must have the same status and result in the same
// table, and the output of both for one namespace must be the same, byte for byte. IPVS_TEST_SEED=N sets the random seed.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { adm as Adm } from '../../cli/adm/run.ts'
import type { Lab } from '../lab/client.ts'
import { changingLines, randomLines, readingLines, spellings, type CommandLine } from './cli-command-lines.ts'
import { connectKernel } from './kernel.ts'

const seed = Number(process.env['IPVS_TEST_SEED'] ?? 1)
const schedulers = 'rr wrr lc wlc sed nq sh mh dh'.split(' ')

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

interface Ended {
  readonly line: string
  readonly ours: object
  readonly theirs: object
}

/** Runs lines with both programs, each in its own namespace; then read-only lines, both in the first namespace. */
async function both(lines: readonly CommandLine[], reads: readonly CommandLine[]): Promise<Ended[]> {
  return lab.run(
    async ({ import: load, netns, run }, given) => {
      const { adm } = await load<{ adm: typeof Adm }>('./out/cli/adm/run.js')
      const { Readable } = await load<typeof import('node:stream')>('node:stream')
      const [us, them] = [await netns(), await netns()]
      const ours = async ({ words, input = '' }: CommandLine) => {
        let stdout = ''
        let stderr = ''
        const out = (text: string) => void (stdout += text)
        const error = (text: string) => void (stderr += text)
        const status = await adm(words, { out, error, terminal: false, input: Readable.from([input]) }, us.path)
        return { status, stdout, silent: stderr === '' }
      }
      const theirs = async ({ words, input = '' }: CommandLine, place: typeof us) => {
        const { status, stdout, stderr } = await run('ipvsadm', words, { netns: place, input })
        return { status, stdout, silent: stderr === '' }
      }
      // Our listings of either namespace; they are compared with ipvsadm's below.
      const saved = async (place: typeof us) => {
        let text = ''
        const out = (more: string) => void (text += more)
        const output = { out, error: out, terminal: false, input: Readable.from(['']) }
        for (const words of [['-Sn'], ['-L', '--timeout'], ['-L', '--daemon']]) await adm(words, output, place.path)
        return text.split('\n').toSorted()
      }
      const ended: { line: string; ours: object; theirs: object }[] = []
      for (const line of given.lines) {
        const [mine, other] = [await ours(line), await theirs(line, them)]
        const lists = /^-\w*[LS]|^-h/.test(line.words[0] ?? '')
        ended.push({
          line: `${line.words.join(' ')}${line.input === undefined ? '' : ` <<< ${JSON.stringify(line.input)}`}`,
          ours: lists ? { status: mine.status } : { ...mine, table: await saved(us) },
          theirs: lists ? { status: other.status } : { ...other, table: await saved(them) },
        })
      }
      for (const line of given.reads) {
        ended.push({ line: line.words.join(' '), ours: await ours(line), theirs: await theirs(line, us) })
      }
      return ended
    },
    { lines, reads },
    { timeoutMs: 540_000 },
  )
}

function compare(ended: readonly Ended[]): void {
  expect(ended.map(({ line, ours }) => ({ line, ended: ours }))).toEqual(
    ended.map(({ line, theirs }) => ({ line, ended: theirs })),
  )
}

test('hand-picked command lines', async () => {
  const lines = changingLines()
  const ended = await both(lines, readingLines())
  expect(ended).toHaveLength(lines.length + readingLines().length)
  compare(ended)
}, 600_000)

test('spellings of addresses, ports and masks', async () => {
  const ended = await both(spellings(), readingLines())
  expect(ended.length).toBeGreaterThan(120)
  compare(ended)
}, 600_000)

test('random command lines', async () => {
  const lines = randomLines(seed, 60, schedulers)
  const ended = await both(lines, readingLines())
  expect(ended.length).toBeGreaterThan(60)
  compare(ended)
}, 600_000)

test('as a process, by both names and in another namespace', async () => {
  const seen = await lab.run(async ({ netns, run, sh, root }) => {
    const place = await netns()
    await sh('ipvsadm -A -f 7 -s rr; ln -sf "$PWD/dist/cli.cjs" /tmp/ipvsadm', { netns: place })
    const theirs = await run('ipvsadm', ['-Ln'], { netns: place })
    const ours = await run(process.execPath, [`${root}/dist/cli.cjs`, 'adm', '-Ln'], { netns: place })
    const named = await run(process.execPath, ['/tmp/ipvsadm', '-Ln'], { netns: place })
    const across = await run(process.execPath, [`${root}/dist/cli.cjs`, 'adm', '--netns', place.name, '-Ln'])
    const failed = await run(process.execPath, ['/tmp/ipvsadm', '-A', '-f', '7'], { netns: place })
    return { theirs: theirs.stdout, ours: [ours, named, across].map(({ stdout }) => stdout), failed }
  })
  expect(seen.ours).toEqual([seen.theirs, seen.theirs, seen.theirs])
  expect(seen.failed).toMatchObject({ status: 255, stdout: '', stderr: 'Service already exists\n' })
})
