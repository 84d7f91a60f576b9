// The site file: read at start, on request and when it changes. A bad file is told, and the last good one stays in use.
import { watch, type FSWatcher } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Site } from '../site/site.ts'
import { replaceFile } from './files.ts'
import { unsupported } from './supported.ts'

/** From text to a site. Rejects with an error whose `problems` are lines for people. */
export type ParseSite = (
  text: string,
  file: string,
) => Promise<{ readonly site: Site; readonly warnings: readonly string[] }>

export interface LoadedSite {
  readonly site: Site
  readonly text: string
  readonly warnings: readonly string[]
  /** Problems of the file, if the site is the last good copy. */
  readonly refused: readonly string[]
}

export class SiteRefused extends Error {
  override readonly name = 'SiteRefused'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

function problemsOf(error: unknown): readonly string[] {
  const { problems, message } = error as { problems?: readonly unknown[]; message: string }
  return problems === undefined ? [message] : problems.map(String)
}

const QUIET_MS = 200

export class SiteFile {
  readonly file: string
  readonly #copy: string
  readonly #parse: ParseSite
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  /** What was read last without problems. */
  #last: LoadedSite | undefined

  /** `copy`: where the last good site is kept. */
  constructor(file: string, copy: string, parse: ParseSite) {
    this.file = file
    this.#copy = copy
    this.#parse = parse
  }

  /** Reads the file. Throws `SiteRefused` with all problems. */
  async read(): Promise<LoadedSite> {
    try {
      const text = await readFile(this.file, 'utf8')
      // A signal and a watched file may tell of the same change, and a large file takes seconds to parse.
      if (this.#last?.text === text) return this.#last
      const parsed = await this.#parse(text, this.file)
      const problems = unsupported(parsed.site)
      if (problems.length > 0) throw new SiteRefused(problems)
      this.#last = { ...parsed, text, refused: [] }
      return this.#last
    } catch (error) {
      throw error instanceof SiteRefused ? error : new SiteRefused(problemsOf(error))
    }
  }

  /** Reads the file, or else the last good copy. Throws `SiteRefused` if there is neither. */
  async readOrCopy(): Promise<LoadedSite> {
    try {
      return await this.read()
    } catch (error) {
      if (!(error instanceof SiteRefused)) throw error
      try {
        const text = await readFile(this.#copy, 'utf8')
        return { ...(await this.#parse(text, this.#copy)), text, refused: error.problems }
      } catch {
        throw error // the problems of the file are what people can mend
      }
    }
  }

  /** Keeps a site that is in use as the last good copy. */
  keep({ text }: LoadedSite): Promise<void> {
    return replaceFile(this.#copy, text)
  }

  /** Calls `changed` after the file was written or replaced, when it was quiet for a moment. `failed`: it cannot, or can no longer. */
  watch(changed: () => void, failed: (problem: string) => void): void {
    const folder = path.dirname(this.file)
    const end = ({ message }: Error): void => {
      this.close()
      failed(`changes of the site are not noticed: ${folder}: ${message}; use "reload" or SIGHUP`)
    }
    try {
      // The folder: an editor replaces the file, and a watcher of the file would stay with the old one.
      this.#watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name !== null && name !== path.basename(this.file)) return
        clearTimeout(this.#timer)
        this.#timer = setTimeout(changed, QUIET_MS)
      })
      this.#watcher.on('error', end)
    } catch (error) {
      end(error as Error)
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#watcher?.close()
  }
}
