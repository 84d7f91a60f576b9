// The parser of sites as the daemon uses it: problems as lines, and large files in a thread of their own.
import { parseSiteInWorker } from '../control/parse-worker.ts'
import type { ParseSite } from '../control/site-file.ts'
import { parseSite } from '../site/parse.ts'
import { SiteError, formatProblem } from '../site/problems.ts'

/** Characters. A smaller file takes less time than the start of a thread. */
const LARGE = 50_000

export const parse: ParseSite = async (text, file) => {
  try {
    const { site, warnings } = text.length < LARGE ? parseSite(text, { file }) : await parseSiteInWorker(text, { file })
    return { site, warnings: warnings.map(formatProblem) }
  } catch (error) {
    if (!(error instanceof SiteError)) throw error
    throw Object.assign(new Error(error.message, { cause: error }), { problems: error.problems.map(formatProblem) })
  }
}
