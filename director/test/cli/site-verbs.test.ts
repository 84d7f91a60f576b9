// init, validate and schema, as a shell sees them.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Command, CommanderError } from 'commander'
import { addInit } from '../../src/cli/init.ts'
import { addSchema } from '../../src/cli/schema.ts'
import { addValidate } from '../../src/cli/validate.ts'
import { exampleSite } from '../../src/site/example.ts'

let folder = ''
let output = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'site-verbs-'))
  output = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text)
    return true
  })
})

afterEach(async () => {
  vi.restoreAllMocks()
  process.exitCode = undefined
  await rm(folder, { recursive: true })
})

async function run(...words: string[]): Promise<{ status: typeof process.exitCode; output: string }> {
  const program = new Command('ipvs-director').exitOverride().configureOutput({ writeErr: () => {} })
  for (const add of [addInit, addValidate, addSchema]) add(program)
  output = ''
  process.exitCode = undefined
  await program.parseAsync(words, { from: 'user' })
  return { status: process.exitCode ?? 0, output }
}

describe('validate', () => {
  test('a good file', async () => {
    const file = join(folder, 'site.yaml')
    await writeFile(file, exampleSite)
    expect(await run('validate', file)).toEqual({ status: 0, output: 'valid: 2 services, 4 servers, 0 warnings\n' })
    expect(JSON.parse((await run('validate', '--json', file)).output)).toEqual({
      valid: true,
      problems: [],
      unsupported: [],
    })
  })

  test('a bad file: each problem in a line, status 1', async () => {
    const file = join(folder, 'site.yaml')
    await writeFile(file, exampleSite.replace('address: 10.0.0.12', 'adress: 10.0.0.12'))
    const { status, output: text } = await run('validate', file)
    expect(status).toBe(1)
    expect(text).toBe(`${file}:17:23: services.web.servers[1].adress: unknown key; did you mean address?\n`)
    const json = await run('validate', '--json', file)
    expect(json.status).toBe(1)
    expect(JSON.parse(json.output)).toEqual({
      valid: false,
      problems: [
        {
          severity: 'error',
          code: 'unknown-key',
          file,
          line: 17,
          column: 23,
          path: 'services.web.servers[1].adress',
          text: 'unknown key',
          fix: 'did you mean address?',
        },
      ],
      unsupported: [],
    })
  })

  test('a file that the daemon would refuse is not valid', async () => {
    const file = join(folder, 'site.yaml')
    await writeFile(file, exampleSite.replace(/- http: \{/, '- http: { via: service,'))
    const { status, output: text } = await run('validate', file)
    expect(text).toBe('services.web: checks: via: service is not supported yet; use via: server\n')
    expect(status).toBe(1)
    expect(JSON.parse((await run('validate', '--json', file)).output)).toMatchObject({ valid: false, problems: [] })
  })

  test('warnings leave the status 0', async () => {
    const file = join(folder, 'site.yaml')
    await writeFile(file, exampleSite.replace('    persistence: { timeout: 6m }', '    #'))
    const { status, output: text } = await run('validate', file)
    expect(status).toBe(0)
    expect(text).toContain('warning: services.web.virtual: several ports without persistence')
    expect(text).toContain('valid: 2 services, 4 servers, 1 warnings')
  })

  test('control characters of the file never reach the terminal', async () => {
    const file = join(folder, 'site.yaml')
    const hidden = String.fromCodePoint(0x1b, 0x9b, 0x202e, 0x7f)
    await writeFile(file, `version: "${hidden}"\n"${hidden}": 1\nservices: { "${hidden}": {} }\ndrift: "\\e[2J"\n`)
    const text = (await run('validate', file)).output
    expect(text).toContain(String.raw`\u001b`)
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  test('a file that cannot be read', async () => {
    await expect(run('validate', join(folder, 'none.yaml'))).rejects.toThrow('ENOENT')
  })

  test('wrong usage', async () => {
    await expect(run('validate', '--jsno')).rejects.toThrow(CommanderError)
    await expect(run('validate', 'one', 'two')).rejects.toThrow(CommanderError)
  })
})

describe('init', () => {
  test('prints the example', async () => {
    expect(await run('init')).toEqual({ status: 0, output: exampleSite })
  })

  test('writes a new file, and never replaces one', async () => {
    const file = join(folder, 'new.yaml')
    await run('init', file)
    expect(await readFile(file, 'utf8')).toBe(exampleSite)
    await writeFile(file, 'mine')
    await expect(run('init', file)).rejects.toThrow('EEXIST')
    expect(await readFile(file, 'utf8')).toBe('mine')
  })
})

test('schema prints JSON', async () => {
  expect(JSON.parse((await run('schema')).output)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['version', 'services'],
    additionalProperties: false,
  })
})

test('definitions of the JSON Schema have names, and all are there', async () => {
  const text = (await run('schema')).output
  const names = Object.keys(JSON.parse(text).$defs)
  const known = 'Check Checks Labels Limits ProbeSource Scheduler Server Tls Tunnel Virtual'.split(' ')
  expect(names.toSorted()).toEqual(known)
  const used = [...text.matchAll(/"#\/\$defs\/(\w+)"/g)].map(([, name]) => String(name))
  expect([...new Set(used)].toSorted()).toEqual(known)
})

test('what the daemon cannot do is said, and refused', async () => {
  const failover = `failover:
  engine: keepalived
  virtualRouterId: 51
  interface: eth0
  anchor: 192.0.2.10
  directors: { a: 192.0.2.1, b: 192.0.2.2 }
source: { etcd: { endpoints: [http://127.0.0.1:2379], prefix: /lb } }
`
  const file = join(folder, 'site.yaml')
  await writeFile(file, `${exampleSite}${failover}`)
  expect(await run('validate', file)).toEqual({
    status: 1,
    output: `failover: not supported yet; keepalived has its own file
source: etcd is not supported yet; use a file
`,
  })
})
