import { parseSite } from '../../../src/site/parse.ts'
import { SiteError, formatProblem, type SiteProblem } from '../../../src/site/problems.ts'

/** Errors and warnings of a text. Anything but a `SiteError` is thrown. */
export function problemsOf(text: string, file?: string): readonly SiteProblem[] {
  try {
    return parseSite(text, file === undefined ? {} : { file }).warnings
  } catch (error) {
    if (error instanceof SiteError) return error.problems
    throw error
  }
}

export const lines = (text: string, file?: string): string[] => problemsOf(text, file).map(formatProblem)

/** Lines without warnings. */
export const errorLines = (text: string): string[] =>
  problemsOf(text)
    .filter(({ severity }) => severity === 'error')
    .map(formatProblem)
