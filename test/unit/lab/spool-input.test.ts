// The input of a guest through files: bytes and order stay, one file at a time, and an end.
import { existsSync, readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { deferred } from '../../../lab/deferred.ts'
import { LineReader } from '../../../lab/lines.ts'
import { spoolInput } from '../../../lab/spool-input.ts'

/** A line whose other end passes each file on, as the guest does. */
class Line extends Socket {
  readonly received: Buffer[] = []
  readonly ended: Promise<void>

  constructor(folder: string) {
    super()
    const end = deferred<void>()
    this.ended = end.promise
    const guest = new PassThrough()
    guest.on(
      'data',
      new LineReader((number) => {
        if (number === 'end') return end.resolve()
        this.received.push(readFileSync(`${folder}/${number}`))
        setImmediate(() => this.emit('data', Buffer.from(`${number}\n`)))
      }).listener,
    )
    this.write = ((...args: Parameters<PassThrough['write']>) => guest.write(...args)) as Socket['write']
  }
}

test('bytes pass unchanged, then comes the end; the folder is removed', async () => {
  const input = spoolInput()
  const folder = input.shares[0]!.folder
  const line = new Line(folder)
  const chunks = [Buffer.from('one\n'), Buffer.from([0, 255, 10, 13, 3]), Buffer.alloc(200_000, 7)]
  await pipeline(Readable.from(chunks), input.connect(line))
  await line.ended
  expect(Buffer.concat(line.received).equals(Buffer.concat(chunks))).toBe(true)
  input.close()
  expect(existsSync(folder)).toBe(false)
})

test('a second chunk waits until the guest has passed on the first', async () => {
  const input = spoolInput()
  const line = new Socket()
  const sent: unknown[] = []
  line.write = (text: unknown) => sent.push(text) > 0
  const stream = input.connect(line)
  stream.write('a')
  stream.write('b')
  expect(sent).toEqual(['1\n'])
  line.emit('data', Buffer.from('1\n'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(sent).toEqual(['1\n', '2\n'])
  input.close()
})
