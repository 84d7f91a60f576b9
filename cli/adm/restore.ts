// `-R`: one command line per line of standard input; consecutive changes are one batch.
import { IpvsError, type BatchOperation, type BatchResult, type Ipvs } from 'ipvs'
import { FileError, readText } from '../shared/files.ts'
import type { Streams } from '../shared/streams.ts'
import { messageOf } from './messages.ts'
import { carryOut, understand, type Single } from './commands.ts'
import { FAILED, UsageError, tryHelp } from './usage-error.ts'

/** A non-empty line. */
export interface Line {
  /** From 1. */
  readonly number: number
  readonly words: readonly string[]
}

/** Splits input into non-empty lines of words; removes a leading `ipvsadm`. */
export function linesOf(input: string): Line[] {
  return input.split('\n').flatMap((line, index) => {
    const words = line.split(/\s+/).filter((word) => word !== '')
    const rest = words[0] === 'ipvsadm' ? words.slice(1) : words
    return rest.length === 0 ? [] : [{ number: index + 1, words: rest }]
  })
}

type Batch = readonly { readonly line: Line; readonly operation: BatchOperation }[]

class Restore {
  readonly #ipvs: Ipvs
  readonly #streams: Streams
  readonly #hosts = new Map<string, string | undefined>()
  #batch: Batch[number][] = []
  #applied = 0
  #failed = 0
  #status = 0

  constructor(ipvs: Ipvs, streams: Streams) {
    this.#ipvs = ipvs
    this.#streams = streams
  }

  async run(lines: readonly Line[]): Promise<number> {
    try {
      for (const line of lines) {
        if (!(await this.#take(line))) break
      }
      await this.#send()
    } catch (error) {
      if (!(error instanceof IpvsError)) throw error
      // The failure concerns the whole batch, not one line: further lines would fail in the same way.
      this.#status = FAILED
      this.#streams.error(`${messageOf(error)}\n`)
    }
    if (this.#status !== 0) this.#summarize(lines.length)
    return this.#status
  }

  #summarize(lines: number): void {
    const left = lines - this.#applied - this.#failed
    const rest = [this.#failed > 0 ? `, ${this.#failed} failed` : '', left > 0 ? `, ${left} not tried` : '']
    this.#streams.error(`${this.#applied} of ${lines} commands applied${rest.join('')}\n`)
  }

  // Returns whether to continue.
  async #take(line: Line): Promise<boolean> {
    let command: Single
    try {
      const understood = await understand(line.words, this.#hosts)
      if (understood.name === 'restore') throw tryHelp()
      command = understood
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      await this.#send()
      this.#fail(line, error.message, error.status)
      return !error.ends
    }
    if (command.name === 'change') {
      this.#batch.push({ line, operation: command.operation })
      return true
    }
    await this.#send()
    await this.#carryOut(line, command)
    return command.name !== 'help' && command.name !== 'version'
  }

  async #carryOut(line: Line, command: Single): Promise<void> {
    try {
      await carryOut(this.#ipvs, command, this.#streams)
      this.#applied++
    } catch (error) {
      if (!(error instanceof IpvsError)) throw error
      this.#fail(line, messageOf(error), FAILED)
    }
  }

  async #send(): Promise<void> {
    const batch = this.#batch
    if (batch.length === 0) return
    this.#batch = []
    try {
      this.#count(batch, await this.#ipvs.batch(batch.map(({ operation }) => operation)))
    } catch (error) {
      if (error instanceof IpvsError && error.batch !== undefined) this.#count(batch, error.batch)
      throw error
    }
  }

  #count(batch: Batch, { applied, failures }: BatchResult): void {
    this.#applied += applied
    for (const { index, error } of failures) this.#fail((batch[index] as Batch[number]).line, messageOf(error), FAILED)
  }

  #fail({ number, words }: Line, problem: string, status: number): void {
    this.#failed++
    this.#status = status
    this.#streams.error(`line ${number}: ${words.join(' ')}: ${problem.trimEnd()}\n`)
  }
}

/**
 * Runs the lines of standard input. As with ipvsadm, a refusal by the kernel does not stop the rest, but an invalid line does.
 * All failures are reported with their lines. The exit status is that of the last failure.
 */
export async function restore(ipvs: Ipvs, streams: Streams): Promise<number> {
  let input: string
  try {
    input = await readText(undefined, streams)
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    streams.error(`${error.message}\n`)
    return FAILED
  }
  return new Restore(ipvs, streams).run(linesOf(input))
}
