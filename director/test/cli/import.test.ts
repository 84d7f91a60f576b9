// import, as a shell sees it.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Command } from 'commander'
import { addImport } from '../../src/cli/import.ts'

let folder = ''
let output = ''
let errors = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-'))
  output = ''
  errors = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text)
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += String(text)
    return true
  })
})

afterEach(async () => {
  vi.restoreAllMocks()
  process.exitCode = undefined
  await rm(folder, { recursive: true })
})

async function run(...words: string[]): Promise<typeof process.exitCode> {
  const program = new Command('ipvs-director').exitOverride().configureOutput({ writeErr: () => {} })
  addImport(program)
  await program.parseAsync(['import', ...words], { from: 'user' })
  return process.exitCode ?? 0
}

const keepalived = `include conf.d/*.conf
virtual_server fwmark 7 {
    lb_kind NAT
    real_server 10.0.0.7 80 { TCP_CHECK { connect_port 80 } }
    real_server 10.0.0.17 80 { TCP_CHECK { connect_port 80 } }
}
`

async function files(): Promise<{ config: string; rules: string }> {
  const config = join(folder, 'keepalived.conf')
  const rules = join(folder, 'rules')
  await writeFile(config, keepalived)
  await writeFile(
    rules,
    '*mangle\n-A PREROUTING -d 172.16.0.100/32 -p tcp -m tcp --dport 80 -j MARK --set-mark 7\nCOMMIT\n',
  )
  await mkdir(join(folder, 'conf.d'))
  await writeFile(join(folder, 'conf.d', 'b.conf'), 'virtual_server 192.0.2.2 25 { }\n')
  await writeFile(join(folder, 'conf.d', 'a.conf'), 'include c.conf\nvirtual_server 192.0.2.1 25 { }\n')
  await writeFile(join(folder, 'c.conf'), 'virtual_server 192.0.2.3 25 { }\n')
  return { config, rules }
}

test('files that are included, by name, and the packets of a mark', async () => {
  const { config, rules } = await files()
  expect(await run('keepalived', config, '--rules', rules)).toBe(0)
  expect(output.match(/^ {2}\S+:$/gm)).toEqual(['  192.0.2.3-25:', '  192.0.2.1-25:', '  192.0.2.2-25:', '  mark-7:'])
  expect(output).toContain('virtual: { address: 172.16.0.100, protocol: tcp, port: 80 }\n    mark: 7\n')
  expect(errors).toMatch(new RegExp(`^${config}:2: changed: servers that are not in the table`, 'm'))
})

test('JSON', async () => {
  const { config } = await files()
  await run('keepalived', config, '--json')
  const { site, remarks, rules } = JSON.parse(output)
  expect(Object.keys(site.services)).toEqual(['192.0.2.3-25', '192.0.2.1-25', '192.0.2.2-25'])
  expect(remarks).toContainEqual({ kind: 'lost', line: 2, text: expect.stringContaining('mark 7') })
  expect(rules).toEqual([])
  expect(errors).toBe('')
})

test('a site with an error is printed, with status 1', async () => {
  const config = join(folder, 'keepalived.conf')
  await writeFile(config, 'virtual_server 192.0.2.1 25 {\n lb_algo r r\n lb_kind DR\n protocol TCP\n lvs_sched ""\n}\n')
  expect(await run('keepalived', config)).toBe(1)
  expect(output).toContain('192.0.2.1-25:')
  expect(errors).toContain('services.192.0.2.1-25.scheduler')
})

test('names have addresses of this host, control characters never reach the terminal', async () => {
  const config = join(folder, 'ldirectord.cf')
  await writeFile(config, 'virtual=localhost:http\n\treal=10.0.0.1:80 masq\n\u001B[2Jclear\n')
  await run('ldirectord', config)
  expect(output).toMatch(/address: (?:127\.0\.0\.1|::1), protocol: tcp, port: 80/)
  expect(errors).toContain(String.raw`\u001b[2Jclear`)
})

test.each([
  ['keepalive', 'file', 'is invalid'],
  ['lvs.cf', '/nonexistent', 'ENOENT'],
])('%s %s', async (format, file, text) => {
  await expect(run(format, file)).rejects.toThrow(text)
})

test('rules of no packet filter are refused', async () => {
  const { config } = await files()
  await expect(run('keepalived', config, '--rules', config)).rejects.toThrow('is no output of iptables-save')
})
