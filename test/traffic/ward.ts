// Breaks a director in the lab, runs `ipvs doctor`, and applies the printed fix.
import type { LabContext } from '../lab/job.ts'
import type { Reported } from '../../cli/doctor/doctor.ts'
import type { Site } from './topology.ts'
import { ask } from './web.ts'

/** A fault of the director. */
export interface Illness {
  /** Shell text that causes the fault, on the director. */
  readonly make: string
  /** Shell text that removes leftovers of fault and fix. */
  readonly undo?: string
}

/** Replies to a client, and the findings of the doctor. */
export interface Look {
  readonly replies: string[]
  readonly findings: Reported[]
}

export interface Course {
  readonly before: Look
  readonly broken: Look
  readonly healed: Look
}

/** Codes of findings that are not good. */
export const complaints = ({ findings }: Look): string[] =>
  findings.filter(({ level }) => level !== 'good').map(({ code }) => code)

export class Ward {
  readonly #context: LabContext
  readonly #site: Site
  readonly #urls: readonly string[]

  constructor(context: LabContext, site: Site, urls: readonly string[]) {
    this.#context = context
    this.#site = site
    this.#urls = urls
  }

  async look(): Promise<Look> {
    const { replies } = await ask(this.#context, this.#site.client, '172.16.0.50', this.#urls, 2)
    const words = [`${this.#context.root}/dist/cli.cjs`, 'doctor', '--json']
    const { stdout, stderr } = await this.#context.run(process.execPath, words, { netns: this.#site.director })
    if (stdout === '') throw new Error(stderr)
    return { replies, findings: JSON.parse(stdout) as Reported[] }
  }

  /** Runs shell text on the director, with `ipvs` from this checkout. */
  async sh(text: string): Promise<void> {
    const ipvs = `ipvs() { '${process.execPath}' '${this.#context.root}/dist/cli.cjs' "$@"; }`
    await this.#context.sh(`${ipvs}\n${text}`, { netns: this.#site.director })
  }

  /** Causes a fault and applies the fix of the first finding. */
  async treat({ make, undo }: Illness): Promise<Course> {
    const before = await this.look()
    await this.sh(make)
    const broken = await this.look()
    await this.sh(broken.findings[0]?.fix ?? ':')
    const healed = await this.look()
    if (undo !== undefined) await this.sh(undo)
    return { before, broken, healed }
  }
}
