// The demo: one firewall mark, two real servers, real HTTP and TLS traffic, balanced by the kernel and configured by this package
// alone. Runs on this machine's kernel if it has IPVS and the user is root, else in the lab.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants, release } from 'node:os'
import { fileURLToPath } from 'node:url'

import { Ipvs } from 'ipvs'

import { play } from './play.ts'

const lab = fileURLToPath(new URL('../../lab/main.js', import.meta.url))

async function whyNotHere(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'it needs root'
  try {
    const ipvs = await Ipvs.open()
    await ipvs.info()
    await ipvs.close()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return existsSync('/usr/sbin/ip') || existsSync('/sbin/ip')
    ? undefined
    : 'the command ip (package iproute2) is missing'
}

function inLab(): Promise<number> {
  const child = spawn(process.execPath, [lab, '--', process.execPath, fileURLToPath(import.meta.url), '--here'], {
    stdio: 'inherit',
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)))
  })
}

const reason = await whyNotHere()
if (reason === undefined) {
  console.log(`On Linux ${release()}, in network namespaces of the demo's own.\n`)
  process.exitCode = await play()
} else if (process.argv.includes('--here')) {
  console.error(`The demo cannot run here: ${reason}`)
  process.exitCode = 1
} else {
  console.log(`This host cannot run the demo directly: ${reason}\n`)
  console.log('Starting a real kernel in the lab instead, which takes a moment; the first run downloads it.\n')
  process.exitCode = await inLab()
}
