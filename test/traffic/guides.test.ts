// The guides: the blocks of each page run in the order of the page, and print what the page says.
//
//   <!-- site masquerade -->      the network of topology.ts, with a web server on each real server; with "ftp" also vsftpd
//   ```sh director                runs in the namespaces that are named: client, director, server-7, server-17
//   ```js director                the same with Node.js
//   ```text                       what the block before has printed
//   <!-- sh server-7 ... -->      a block that readers do not see
//   ```sh, ```ini                 without a namespace: does not run
//
// A part of the integration tests are the pages of `few`; `npm run test:guides` runs all.
import { readFileSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'
import type { Way } from './topology.ts'

const folder = new URL('../../docs/guide/', import.meta.url)
const few = ['start.md', 'direct-routing.md']
const pages = process.env['IPVS_GUIDES'] === 'all' ? readdirSync(folder).filter((name) => name.endsWith('.md')) : few

interface Block {
  readonly language: string
  readonly where: readonly string[]
  readonly text: string
  printed?: string
}

interface Guide {
  readonly way: Way
  readonly ftp: boolean
  readonly blocks: readonly Block[]
}

function read(page: string): Guide {
  const text = readFileSync(new URL(page, folder), 'utf8')
  const [, way, ftp] = /<!-- site (\w+)( ftp)? -->/.exec(text) ?? []
  if (way === undefined) throw new Error(`${page}: "<!-- site WAY -->" is missing`)
  const blocks: Block[] = []
  for (const match of text.matchAll(/^(?:```|<!-- (?=sh ))(\w+) ?([^\n]*)\n([\s\S]*?)^(?:```|-->)$/gm)) {
    const [, language = '', words = '', body = ''] = match
    const before = blocks.at(-1)
    if (language === 'text' && before !== undefined) before.printed = body
    else if (words !== '') blocks.push({ language, where: words.split(' '), text: body })
  }
  return { way: way as Way, ftp: ftp !== undefined, blocks }
}

// Blanks at the end of lines are not seen on a page.
const trimmed = (text: string) => text.replace(/[ \t]+$/gm, '').trimEnd()

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

test.each(pages)('%s', async (page) => {
  const guide = read(page)
  const outputs = await lab.run(
    async (context, { way, ftp, blocks }) => {
      const { buildSite } = await context.import<typeof import('./topology.ts')>('./out/test/traffic/topology.js')
      const { serveWeb } = await context.import<typeof import('./web.ts')>('./out/test/traffic/web.js')
      const site = await buildSite(context, way)
      await serveWeb(context, site)
      if (ftp) {
        const { serveFtp } = await context.import<typeof import('./ftp.ts')>('./out/test/traffic/ftp.js')
        await serveFtp(context, site, '172.16.0.100', way)
      }
      const bin = (await context.sh('mktemp -d')).trim()
      const program = `#!/bin/sh\nexec ${process.execPath} ${context.root}/dist/cli.cjs "$@"\n`
      await context.sh(`cat > ${bin}/ipvs && chmod +x ${bin}/ipvs`, { input: program })
      const env = { PATH: `${bin}:${process.env['PATH']}`, no_proxy: '*' }
      const hosts = new Map(site.servers.map(({ name, netns }) => [name, netns]))
      hosts.set('client', site.client).set('director', site.director)
      const printed: string[] = []
      for (const { language, where, text } of blocks) {
        let output = ''
        for (const name of where) {
          const netns = hosts.get(name)
          if (netns === undefined) throw new Error(`no host ${name}`)
          const run =
            language === 'js' ? context.node(text, { netns, env }) : context.run('sh', ['-ec', text], { netns, env })
          const { status, stdout, stderr } = await run
          if (status !== 0) throw new Error(`${text}\nended with ${status}: ${stderr}`)
          output += stdout
        }
        printed.push(output)
      }
      return printed
    },
    guide,
    { timeoutMs: 110_000 },
  )
  expect(outputs.length).toBeGreaterThan(0)
  const shown = guide.blocks.map(({ printed }, index) => ({ printed, output: outputs[index] ?? '' }))
  const compared = shown.filter(({ printed }) => printed !== undefined)
  expect(compared.map(({ output }) => trimmed(output))).toEqual(compared.map(({ printed = '' }) => trimmed(printed)))
})
