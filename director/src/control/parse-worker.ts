// Parses sites in a thread of its own: a site of 10,000 servers would keep the loop waiting for seconds.
import { Worker } from 'node:worker_threads'
import type { ParsedSite } from '../site/parse.ts'
import { SiteError, type SiteProblem } from '../site/problems.ts'

/** What the thread is given. */
export interface ParseRequest {
  readonly text: string
  readonly file: string | undefined
}

/** What it answers: a site, or the problems of the file. */
export type ParseAnswer = { readonly parsed: ParsedSite } | { readonly problems: readonly SiteProblem[] }

export interface ParseWorkerOptions {
  /** The name of the file in problems. Default `site.yaml`. */
  readonly file?: string | undefined
  /** Ends the thread. The call rejects with the signal's reason when the thread has ended. */
  readonly signal?: AbortSignal | undefined
  /** The module of the thread. Default: parse-thread.js beside this file. */
  readonly url?: URL
  /** Limit of the thread's heap in MiB. Default 512; 10,000 servers need less than 96. */
  readonly heapMiB?: number
}

/**
 * `parseSite` in a worker thread, with the same result: rejects with a {@link SiteError} that has all problems of the file. Any
 * other error means that the thread failed, such as for want of memory; it says nothing of the file.
 */
export async function parseSiteInWorker(text: string, options: ParseWorkerOptions = {}): Promise<ParsedSite> {
  const { file, signal, url = new URL('./parse-thread.js', import.meta.url), heapMiB = 512 } = options
  signal?.throwIfAborted()
  const request: ParseRequest = { text, file }
  const worker = new Worker(url, { workerData: request, resourceLimits: { maxOldGenerationSizeMb: heapMiB } })
  const answer = await answerOf(worker, signal)
  if ('problems' in answer) throw new SiteError(answer.problems)
  return answer.parsed
}

/** Settles when the thread has ended, so that no thread is left behind. */
async function answerOf(worker: Worker, signal: AbortSignal | undefined): Promise<ParseAnswer> {
  let answer: ParseAnswer | undefined
  let failure: Error | undefined
  const abort = (): void => void worker.terminate()
  signal?.addEventListener('abort', abort, { once: true })
  worker.once('message', (message: ParseAnswer) => (answer = message))
  worker.once('messageerror', (error: Error) => (failure = error))
  worker.once('error', (error: Error) => (failure = error))
  const status = await new Promise<number>((resolve) => worker.once('exit', resolve))
  signal?.removeEventListener('abort', abort)
  if (answer !== undefined) return answer
  signal?.throwIfAborted()
  const words = failure?.message ?? `it ended with status ${String(status)} and no answer`
  throw new Error(`the thread that parses the site failed: ${words}`, { cause: failure })
}
