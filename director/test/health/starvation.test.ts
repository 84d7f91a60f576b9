import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { capFor } from '../../src/health/descriptors.ts'
import { bundled } from './support/bundle.ts'
import { listen, tcpServer } from './support/servers.ts'

test('a starved prober declares no healthy server dead', { timeout: 120_000 }, async () => {
  const tcpPort = await tcpServer((socket) => void socket.resume(), '0.0.0.0')
  const httpPort = await listen(
    createServer((_, response) => void response.end('OK')),
    '0.0.0.0',
  )
  const script = fileURLToPath(await bundled('starved', 'support/starved.ts'))
  // Each block of the event loop is longer than the limits of the probes.
  const words = [
    '-c',
    'ulimit -n 256; exec "$@"',
    'sh',
    process.execPath,
    script,
    ...[tcpPort, httpPort, 1800].map(String),
  ]
  const { stdout } = await promisify(execFile)('sh', words)
  const counts = JSON.parse(stdout) as Record<string, number>
  expect(counts).toMatchObject({ everDown: 0 })
  expect(counts['cap']).toBeLessThan(counts['usualCap'] ?? 0)
  // It was starved in both ways, and still did its work.
  for (const name of ['late', 'noDescriptor', 'success']) expect(counts[name]).toBeGreaterThan(0)
})

test.each([
  [65_536, 30, 400],
  [1024, 30, 400],
  [256, 26, 83],
  [64, 30, 4],
  [Infinity, 30, 400],
])('with a limit of %d descriptors and %d open, %d probes run at once', (limit, open, cap) => {
  expect(capFor(limit, open)).toBe(cap)
})
