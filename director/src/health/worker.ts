// A worker thread that probes. It decides nothing: it tells states and results of targets when they change, at most four times a
// second, and counts once a second.
import { parentPort } from 'node:worker_threads'
import type { Check } from '../site/site.ts'
import { probeCap } from './descriptors.ts'
import { Prober } from './prober.ts'
import { loadProbe, probeAny } from './probes/all.ts'
import { isOurs } from './probes/errors.ts'
import { needsSockets, type Probe, type ProbeResult, type ProbeTarget, type Sockets } from './probes/probe.ts'
import type { FromWorker, ToWorker } from './messages.ts'

const batchMs = 250
/** Without reports only one batch in this many is sent: each wakes the main thread. It shows that the worker lives. */
const quietBatches = 4

/** The addon's sockets; without the addon, checks that need them have no verdict. Rejects if this host is at fault for now. */
async function importSockets(): Promise<Sockets | undefined> {
  try {
    const { openSocket } = await import('ipvs')
    return {
      tcp: (options) => openSocket({ type: 'tcp', ...options }),
      udp: (options) => openSocket({ type: 'udp', ...options }),
      ping: (options) => openSocket({ type: 'ping', ...options }),
    }
  } catch (error) {
    if (isOurs(error)) throw error
    return undefined
  }
}

let sockets: Promise<Sockets | undefined> | undefined

/** What was not loaded can be loaded by a new thread only: this one ends, and the main thread starts another. */
async function orEnd<Module>(loading: Promise<Module>): Promise<Module> {
  try {
    return await loading
  } catch (error) {
    setImmediate(() => {
      throw error
    })
    throw error
  }
}

/** Modules, and the addon, are loaded for the first probe that needs them. */
const probe: Probe = async (check, target, _, signal) => {
  await orEnd(loadProbe(check.kind))
  if (!needsSockets(check, target)) return await probeAny(check, target, undefined, signal)
  sockets ??= importSockets()
  return await probeAny(check, target, await orEnd(sockets), signal)
}

async function main(port: NonNullable<typeof parentPort>): Promise<void> {
  const send = (message: FromWorker): void => port.postMessage(message)
  const cap = probeCap()
  const prober = new Prober({ probe, cap })
  const stopping = new AbortController()

  let quiet = 0
  const post = (): void => {
    quiet = prober.hasReports ? 0 : quiet + 1
    if (quiet % quietBatches === 0) send({ type: 'batch', batch: prober.take() })
  }
  const timer = setInterval(post, batchMs)

  const once = async (id: number, check: Check, target: ProbeTarget): Promise<void> => {
    const result: ProbeResult = await probe(check, target, undefined, stopping.signal)
    send({ type: 'once', id, result })
  }

  const stop = async (): Promise<void> => {
    clearInterval(timer)
    stopping.abort()
    await prober.close()
    port.close()
  }

  port.on('message', (message: ToWorker) => {
    if (message.type === 'targets') prober.change(message.add, message.remove)
    else if (message.type === 'once') void once(message.id, message.check, message.target)
    else void stop()
  })
  send({ type: 'ready', cap })
}

if (parentPort !== null) await main(parentPort)
