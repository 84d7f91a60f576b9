// The inside of the lab: a program that runs jobs, one at a time, in the guest or on a host with IPVS.
//
// Descriptor 3 takes replies and descriptor 4 brings jobs, as lines of JSON. Output of jobs and their children cannot mix with
// replies: stdout is stderr here.

import { Socket } from 'node:net'
import vm from 'node:vm'
import { AgentContext } from './agent-context.ts'
import { deferred } from '../../lab/deferred.ts'
import type { JobReply, JobRequest } from './job.ts'
import { LineReader } from '../../lab/lines.ts'
import { fromWire, toWire } from './wire.ts'

const replies = new Socket({ fd: 3, readable: false, writable: true })
const requests = new Socket({ fd: 4, readable: true, writable: false })

/** Uncaught errors outside the promise of the job: the job fails with them. */
let strayErrors: unknown[] = []
process.on('uncaughtException', (error) => strayErrors.push(error))

/** Rejects when the host has closed the connection. */
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
  // The import takes a second on an emulated processor: only for jobs with the word `ipvs`.
  if (/\bipvs\b/.test(job.source)) await context.loadIpvs()
  const compiled: unknown = vm.runInThisContext(`(${job.source}\n)`, { filename: 'lab-job.js' })
  if (typeof compiled !== 'function') throw new TypeError('a job must be a function')
  return (compiled as (context: AgentContext, args: unknown) => unknown)(context, job.args)
}

async function withinTime(work: Promise<unknown>, limitMs: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new JobTimeoutError(`the job took more than ${limitMs} ms`)), limitMs)
  })
  // A later failure is ignored: the job has already timed out.
  work.catch(() => {})
  try {
    return await Promise.race([work, late, hangup.promise])
  } finally {
    clearTimeout(timer)
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`the job threw a value that is not an Error: ${String(thrown)}`)
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
  // The running job cleans up; then the agent ends.
  hangup.reject(new Error('the host has closed the connection'))
  void queue.then(() => replies.end(() => process.exit(0)))
})
