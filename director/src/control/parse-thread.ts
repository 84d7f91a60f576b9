// The thread of parse-worker.ts: parses one site, answers, ends.
import { parentPort, workerData } from 'node:worker_threads'
import { parseSite } from '../site/parse.ts'
import { SiteError } from '../site/problems.ts'
import type { ParseAnswer, ParseRequest } from './parse-worker.ts'

function answer({ text, file }: ParseRequest): ParseAnswer {
  try {
    return { parsed: parseSite(text, file === undefined ? {} : { file }) }
  } catch (error) {
    if (!(error instanceof SiteError)) throw error
    return { problems: error.problems }
  }
}

parentPort?.postMessage(answer(workerData as ParseRequest))
