// What an exporter makes of a site: the text for another program, and what it does not say.
import type { Site } from '../site/site.ts'

export interface Exported {
  readonly text: string
  /** A line for each thing that the other program has no word for. */
  readonly lost: readonly string[]
}

/** `marks`: of the services that have one, by name. */
export type Exporter = (site: Site, marks: ReadonlyMap<string, number>) => Exported
