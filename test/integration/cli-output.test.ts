// The command line on a real kernel: names that drive a terminal, and what the kernel refuses.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { adm as Adm } from '../../cli/adm/run.ts'
import type { runProgram as RunProgram } from '../../cli/verbs/program.ts'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

test('names with control characters, from the kernel and from rules', async () => {
  const [daemons, saved, marks, json] = await lab.run(
    async ({ ipvs: { FirewallMarks }, netns, root, run, sh }, name) => {
      const place = await netns()
      await run('ip', ['link', 'add', name, 'type', 'dummy'], { netns: place })
      await run('ip', ['link', 'set', name, 'up'], { netns: place })
      await sh('ipvsadm --start-daemon master --mcast-interface "$NAME"', { netns: place, env: { NAME: name } })
      const firewall = await FirewallMarks.open({ netns: place.path })
      await firewall.add([{ mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: 80 }])
      await firewall.close()
      // We would not add a rule with such a comment; nft does.
      const element = `add element inet ipvs exact4 { 172.16.0.9 . tcp . 80 comment "${name}" : 5 }`
      await sh('nft -f -', { netns: place, input: element })
      const texts: string[] = []
      for (const words of ['adm -L --daemon', 'save', 'marks list', 'marks list --json']) {
        const { stdout, stderr } = await run(process.execPath, [`${root}/dist/cli.cjs`, ...words.split(' ')], {
          netns: place,
        })
        texts.push(stdout + stderr)
      }
      return texts
    },
    'e\u001B[2J',
    { timeoutMs: 110_000 },
  )
  for (const text of [daemons, saved, marks, json]) {
    expect(text).toContain(String.raw`e\u001b[2J`)
    expect(text).not.toContain('\u001B')
  }
  expect(JSON.parse(json ?? '')).toContainEqual(expect.objectContaining({ mark: 5, comment: 'e\u001B[2J' }))
})

test('words with control characters, as they come back', async () => {
  const seen = await lab.run(async ({ netns, root, run }) => {
    const place = await netns()
    const input = '-A -f \u001B[2J\n'
    return run(process.execPath, [`${root}/dist/cli.cjs`, 'adm', '-R'], { netns: place, input })
  })
  expect(seen).toMatchObject({
    status: 2,
    stderr:
      "line 1: -A -f \\u001b[2J: invalid fwmark value `\\u001b[2J' specified\n0 of 1 commands applied, 1 failed\n",
  })
})

test('what the kernel refuses, in the words of the command line', async () => {
  const seen = await lab.run(
    async ({ import: load, netns }, lines) => {
      const { runProgram } = await load<{ runProgram: typeof RunProgram }>('./out/cli/verbs/program.js')
      const { Readable } = await load<typeof import('node:stream')>('node:stream')
      const place = await netns()
      const answers: string[] = []
      for (const line of lines) {
        let text = ''
        const out = (more: string) => void (text += more)
        const within = line.includes('--netns') ? [] : ['--netns', place.name]
        const output = { out, error: out, terminal: false, input: Readable.from(['']) }
        const status = await runProgram([...line.split(' '), ...within], output)
        answers.push(`${status} ${text}`)
      }
      return answers
    },
    [
      'add service mark:3',
      'add service mark:3',
      'add service mark:4 --scheduler nope',
      'set destination mark:3 10.0.0.2 --weight 3',
      'marks add 7 172.16.0.100 tcp 80',
      'marks add 8 172.16.0.100 tcp 80-90',
      'list --netns nowhere',
    ],
  )
  expect(seen).toEqual([
    '0 ',
    '1 ipvs: mark:3: the service exists already; change it with "ipvs set service" (EEXIST).\n',
    expect.stringMatching(/^1 ipvs: mark:4: the kernel does not know scheduler "nope"/),
    '1 ipvs: mark:3 -> 10.0.0.2:0: the service has no such destination (ENOENT).\n',
    expect.stringMatching(/^0 /),
    expect.stringMatching(/^1 ipvs: rule: .* in port 80; remove that rule first, .* with "ipvs marks replace"\n$/),
    expect.stringMatching(/^1 ipvs: --netns: "\/run\/netns\/nowhere" cannot be opened as a network namespace/),
  ])
})

test('files of ipvsadm with a byte order mark, and what is no text', async () => {
  const seen = await lab.run(async ({ import: load, netns, sh }) => {
    const { adm } = await load<{ adm: typeof Adm }>('./out/cli/adm/run.js')
    const { createReadStream } = await load<typeof import('node:fs')>('node:fs')
    const { Readable } = await load<typeof import('node:stream')>('node:stream')
    const place = await netns()
    const restore = async (input: InstanceType<typeof Readable>) => {
      let text = ''
      const out = (more: string) => void (text += more)
      const status = await adm(['-R'], { out, error: out, terminal: false, input }, place.path)
      return `${status} ${text}`
    }
    const marked = await restore(Readable.from([Buffer.from('\uFEFF-A -f 9\n')]))
    return {
      marked,
      table: await sh('ipvsadm -Sn', { netns: place }),
      zero: await restore(createReadStream('/dev/zero')),
    }
  })
  expect(seen).toEqual({
    marked: '0 ',
    table: '-A -f 9 -s wlc\n',
    zero: '255 standard input: is not text: byte 0 is zero\n',
  })
})
