// The lab's inside: a program that runs jobs, one at a time. It runs in the guest, or on a host that has IPVS itself.
//
// Descriptor 3 takes replies and descriptor 4 brings jobs, lines of JSON both; so whatever a job or its children write to
// stdout cannot get between them: stdout is stderr here.

import { Socket } from 'node:net'
import vm from 'node:vm'
import { AgentContext } from './agent-context.ts'
import { deferred } from '../../lab/deferred.ts'
import type { JobReply, JobRequest } from './job.ts'
import { LineReader } from '../../lab/lines.ts'
import { fromWire, toWire } from './wire.ts'

const replies = new Socket({ fd: 3, readable: false, writable: true })
const requests = new Socket({ fd: 4, readable: true, writable: false })

/** Failures that no promise of the job carries: they must not pass for success. */
let strayErrors: unknown[] = []
process.on('uncaughtException', (error) => strayErrors.push(error))

/** Rejects when the host has gone. */
const hangup = deferred<never>()
hangup.promise.catch(() => {})

class JobTimeoutError extends Error {
  override readonly name = 'JobTimeoutError'
  readonly code = 'ERR_LAB_JOB_TIMEOUT'
}

async function runJob(job: JobRequest): Promise<JobReply> {
  const controller = new AbortController()
  const context = new AgentContext(controller.signal)
  const { id } = job
  strayErrors = []
  let reply: JobReply
  try {
    reply = { id, result: await withinTime(evaluate(job, context), job.timeoutMs) }
  } catch (error) {
    reply = { id, error: asError(error) }
  }
  controller.abort(new Error('the job is over'))
  try {
    await context.cleanUp()
  } catch (error) {
    strayErrors.push(error)
  }
  if (reply.error === undefined && strayErrors.length > 0) reply = { id, error: asError(strayErrors.shift()) }
  for (const error of strayErrors) console.error('besides:', error)
  return reply
}

async function evaluate(job: JobRequest, context: AgentContext): Promise<unknown> {
  // Importing takes a second on an emulated processor: only for jobs that want it.
  if (/\bipvs\b/.test(job.source)) await context.loadIpvs()
  const compiled: unknown = vm.runInThisContext(`(${job.source}\n)`, { filename: 'lab-job.js' })
  if (typeof compiled !== 'function') throw new TypeError('a job has to be a function')
  return (compiled as (context: AgentContext, args: unknown) => unknown)(context, job.args)
}

async function withinTime(work: Promise<unknown>, limitMs: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new JobTimeoutError(`the job took more than ${limitMs} ms`)), limitMs)
  })
  // What it comes to later concerns nobody.
  work.catch(() => {})
  try {
    return await Promise.race([work, late, hangup.promise])
  } finally {
    clearTimeout(timer)
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`not an Error was thrown: ${String(thrown)}`)
}

function send(reply: JobReply): void {
  let line: string
  try {
    line = toWire(reply)
  } catch (error) {
    line = toWire({ id: reply.id, error: asError(error) })
  }
  replies.write(`${line}\n`)
}

let queue: Promise<void> = Promise.resolve()
const reader = new LineReader((line) => {
  const job = fromWire(line) as JobRequest
  queue = queue.then(async () => send(await runJob(job)))
})
requests.on('data', reader.listener)
requests.on('close', () => {
  // Jobs clean up behind them; then this ends.
  hangup.reject(new Error('the host has gone'))
  void queue.then(() => replies.end(() => process.exit(0)))
})
