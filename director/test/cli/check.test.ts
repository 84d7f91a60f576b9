// check: real probes in a worker thread, what is printed and what is skipped.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkTarget } from '../../src/cli/check.ts'
import { Workers } from '../../src/health/workers.ts'
import { parseSite } from '../../src/site/parse.ts'
import { bundledWorker } from '../health/support/bundle.ts'
import { siteWith } from '../site/support/build.ts'

let server: Server
let workers: Workers
let port: number

beforeAll(async () => {
  server = createServer((_request, response) => response.end('fine')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
  workers = new Workers({ url: await bundledWorker(), onBatch: () => {} })
})

afterAll(async () => {
  await workers.close()
  server.close()
})

async function checked(target: string | undefined, checks: unknown) {
  const servers = [
    { name: 'a', address: '127.0.0.1' },
    { name: 'b', address: '127.0.0.2' },
  ]
  const { site } = parseSite(siteWith(['services.s.servers', servers], ['services.s.checks', checks]))
  const lines: string[] = []
  const found = await checkTarget(site, target, workers, (more) => lines.push(...more))
  return { ...found, lines }
}

test('each check of each server, with its transcript', async () => {
  const { checks, skipped, lines } = await checked(undefined, [{ tcp: { port } }, { http: { port, path: '/x' } }])
  expect(checks.map(({ server: name, check, result }) => `${name} ${check} ${result.verdict}`)).toEqual([
    's/a tcp success',
    's/a http success',
    's/b tcp failure',
    's/b http failure',
  ])
  expect(skipped).toEqual([])
  expect(lines.filter((line) => !line.startsWith(' ')).map((line) => line.replace(/ \(connect.*/, ''))).toEqual([
    `s/a: tcp 127.0.0.1 port ${port}: success: connected`,
    `s/a: http 127.0.0.1 port ${port}: success: status 200`,
    `s/b: tcp 127.0.0.2 port ${port}: failure: connection refused (ECONNREFUSED)`,
    `s/b: http 127.0.0.2 port ${port}: failure: connection refused (ECONNREFUSED)`,
  ])
  expect(lines).toContain('    > GET /x HTTP/1.1')
})

test('one server by either of its names; via: service is left to the daemon', async () => {
  const checks = [{ tcp: { port } }, { http: { port, via: 'service' } }]
  for (const target of ['a', 's/a']) {
    const { checks: found, lines } = await checked(target, checks)
    expect(found.map((each) => each.server)).toEqual(['s/a'])
    expect(lines.at(-1)).toBe('s/a: http: via: service: only the daemon can probe it')
  }
})

test('no checks, and no server', async () => {
  expect((await checked('a', [])).lines).toEqual(['there are no checks'])
  await expect(checked('c', [])).rejects.toThrow('the site has no server c')
})
