// What a command has written, and what it reads.
import { Readable } from 'node:stream'
import type { Streams } from '../../../cli/shared/streams.ts'

export class Written implements Streams {
  stdout = ''
  stderr = ''
  readonly terminal: boolean
  readonly input: Readable

  constructor({ terminal = false, input = '' }: { terminal?: boolean; input?: string } = {}) {
    this.terminal = terminal
    this.input = Readable.from([input])
  }

  out(text: string): void {
    this.stdout += text
  }

  error(text: string): void {
    this.stderr += text
  }
}
