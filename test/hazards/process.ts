// Runs a piece of JavaScript in a node of its own, where it may exit, leak or be terminated. `binding` and `testing` are
// the addons, `call(id)` makes the settings of a native call that may take a minute.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export const addon: string = fileURLToPath(new URL('../../build/Release/ipvs.node', import.meta.url))
const testing = fileURLToPath(new URL('../../build-cmake/js/Release/ipvs_testing.node', import.meta.url))

export const prelude: string = `
  const binding = require(${JSON.stringify(addon)})
  const testing = require(${JSON.stringify(testing)})
  const { readdirSync } = require('node:fs')
  const call = (id) => ({ id, timeoutMs: 60_000 })
  const count = (what) => readdirSync('/proc/self/' + what).length
  // A session whose kernel never answers.
  const mute = () => new binding.IpvsSession({ sockets: [testing.socketpair()[0]] })
`

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export async function runNode(code: string, ...flags: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [...flags, '-e', `${prelude}\n;(async () => {${code}\n})()`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  })
  const [stdout, stderr, ended] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const [exitCode, signal] = ended as [number | null, NodeJS.Signals | null]
  return { code: exitCode, signal, stdout: stdout.trim(), stderr: stderr.trim() }
}
