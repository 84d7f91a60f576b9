// The control API on a real socket, with the client of the command line.
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Client } from '../../src/cli/client.ts'
import { Events } from '../../src/control/events.ts'
import { ControlError } from '../../src/control/control-error.ts'
import { serve, type Controls } from '../../src/control/server.ts'
import type { OverrideRequest, Status } from '../../src/control/status.ts'

let folder: string
let socket: string
let events: Events
let requests: OverrideRequest[]
let served: AsyncDisposable
const client = (): Client => new Client(socket)

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'director-control-'))
  socket = path.join(folder, 'control.sock')
  events = new Events()
  requests = []
  const controls: Controls = {
    events,
    status: () => ({ version: '0.1.0', alarms: [] }) as unknown as Status,
    metrics: async () => 'ipvs_director_ready 1\n',
    plan: async () => ['+ mark:7 rr'],
    reload: async () => ({ problems: ['site.yaml:1:1: bad'], failures: [] }),
    override: async (request) => {
      requests.push(request)
      return { told: 'told', failures: ['refused'] }
    },
    endOverride: async (target, who) => {
      if (target !== 'shop/web1') throw new ControlError(404, `${target} has no override`)
      return { told: `ended by ${who}`, failures: [] }
    },
    explain: (service, server) => [`${service} ${server}`],
  }
  served = await serve(socket, controls)
})

afterEach(async () => {
  await served[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

test('only root and the group may use the socket', () => {
  expect((statSync(socket).mode & 0o777).toString(8)).toBe('660')
})

test('status, plan, reload, explain', async () => {
  expect(await client().get('/v1/status')).toEqual({ version: '0.1.0', alarms: [] })
  expect(await client().get('/v1/plan')).toEqual({ changes: ['+ mark:7 rr'] })
  expect(await client().post('/v1/reload')).toEqual({ problems: ['site.yaml:1:1: bad'], failures: [] })
  expect(await client().get('/v1/explain/shop/web%201')).toEqual({ lines: ['shop web 1'] })
})

test('an override, and its end', async () => {
  const request = { kind: 'drain', target: 'shop/web1', who: 'anna', why: 'kernel', waitMs: 5000 }
  expect(await client().post('/v1/overrides', request)).toEqual({ told: 'told', failures: ['refused'] })
  expect(requests).toEqual([request])
  expect(await client().delete('/v1/overrides/shop/web1?who=anna')).toEqual({ told: 'ended by anna', failures: [] })
})

test.each([
  ['POST', '/v1/overrides', { kind: 'stop', target: 'a', who: 'b' }, 400, /kind/],
  ['POST', '/v1/overrides', { kind: 'drain', who: 'b' }, 400, /target/],
  ['POST', '/v1/overrides', { kind: 'drain', target: 'a', who: 'b', wait: 1 }, 400, /wait/],
  ['DELETE', '/v1/overrides/web9', undefined, 404, /web9 has no override/],
  ['GET', '/v1/nothing', undefined, 404, /there is no GET \/v1\/nothing/],
  ['GET', '/v1/events?after=x', undefined, 400, /after/],
] as const)('%s %s %j is refused', async (method, url, body, status, message) => {
  const sent =
    method === 'POST' ? client().post(url, body) : method === 'GET' ? client().get(url) : client().delete(url)
  await expect(sent).rejects.toMatchObject({ status, message: expect.stringMatching(message) as unknown })
  expect(requests).toEqual([])
})

test('events: those that were, and those that come, each once', async () => {
  events.add(1, 'info', 'started', 'one')
  events.add(2, 'info', 'applied', 'two')
  expect(await client().get('/v1/events?after=1')).toEqual({ events: events.since(1) })
  const seen: string[] = []
  const stop = new AbortController()
  const following = (async () => {
    for await (const { text } of client().follow(1, stop.signal)) {
      seen.push(text)
      if (text === 'two') events.add(3, 'warning', 'health', 'three')
      if (text === 'three') break
    }
  })()
  await following
  stop.abort()
  expect(seen).toEqual(['two', 'three'])
})

test('a socket that a crash left behind is replaced; a served one is not', async () => {
  const other = path.join(folder, 'other.sock')
  writeFileSync(other, '')
  chmodSync(other, 0o600)
  const controls = { events } as unknown as Controls
  const second = await serve(other, controls)
  await second[Symbol.asyncDispose]()
  await expect(serve(socket, controls)).rejects.toThrow(/served by another process/)
})

test('without a daemon the client says what to do', async () => {
  const absent = new Client(path.join(folder, 'absent.sock'))
  await expect(absent.get('/v1/status')).rejects.toMatchObject({
    status: 0,
    message: /start it with "ipvs-director run"/,
  })
  const silent = path.join(folder, 'left.sock')
  const server = createServer().listen(silent)
  await once(server, 'listening')
  server.close()
  await expect(new Client(silent).get('/v1/status')).rejects.toMatchObject({ status: 0 })
})
