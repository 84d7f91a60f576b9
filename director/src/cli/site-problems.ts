// Reads a site file for the commands that look at it without the daemon.
import { readFile } from 'node:fs/promises'
import { parseSite } from '../site/parse.ts'
import { SiteError, type SiteProblem } from '../site/problems.ts'
import type { Site } from '../site/site.ts'

/** A file that was read. */
export interface ReadSite {
  /** `undefined`: the file has errors. */
  readonly site: Site | undefined
  /** Errors and warnings, in the order of the file. */
  readonly problems: readonly SiteProblem[]
}

/** The text of a file; `-`: of the standard input. */
export async function textOf(file: string): Promise<string> {
  if (file !== '-') return readFile(file, 'utf8')
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** Parses the text of a file. */
export function siteOf(text: string, file: string): ReadSite {
  try {
    const { site, warnings } = parseSite(text, { file })
    return { site, problems: warnings }
  } catch (error) {
    if (!(error instanceof SiteError)) throw error
    return { site: undefined, problems: error.problems }
  }
}

/** Reads and parses a file. Rejects if it cannot be read. */
export async function readSite(file: string): Promise<ReadSite> {
  return siteOf(await textOf(file), file === '-' ? 'stdin' : file)
}
