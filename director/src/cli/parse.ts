// The parser of sites as the daemon uses it: problems as lines.
import type { ParseSite } from '../control/site-file.ts'
import { parseSite } from '../site/parse.ts'
import { SiteError, formatProblem } from '../site/problems.ts'

export const parse: ParseSite = (text, file) => {
  try {
    const { site, warnings } = parseSite(text, { file })
    return { site, warnings: warnings.map(formatProblem) }
  } catch (error) {
    if (!(error instanceof SiteError)) throw error
    throw Object.assign(new Error(error.message, { cause: error }), { problems: error.problems.map(formatProblem) })
  }
}
