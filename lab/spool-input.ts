// The command's input for a guest whose lines lose bytes under load: User-Mode Linux with two processors mixes up what arrives
// on a serial line while its reader is behind. So the bytes go through files of a shared folder, one at a time. The line brings
// the file's number, and the guest repeats the number when it has passed the file on.

import { rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import path from 'node:path'
import { Writable } from 'node:stream'
import type { GuestInput } from './engine.ts'
import { LineReader } from './lines.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** Where the guest mounts the folder. */
const guestFolder = '/run/lab/input'

/** Shell text for the guest: copies the input to stdout; descriptor 6 is the line. */
export const readSpool: string = `while read -r number <&6 && [ "$number" != end ]; do
    $b cat ${guestFolder}/$number
    echo "$number" >&6
  done`

export function spoolInput(): GuestInput {
  const folder = temporaryFolder('ipvs-lab-input-')
  const remove = (): void => removeFolder(folder)
  process.once('exit', remove)
  return {
    shares: [{ tag: 'input', folder, point: guestFolder, writable: false }],
    connect: (socket) => new SpoolWriter(socket, folder),
    close: () => {
      process.off('exit', remove)
      remove()
    },
  }
}

class SpoolWriter extends Writable {
  readonly #socket: Socket
  readonly #folder: string
  #number = 0
  #passedOn: () => void = () => {}

  constructor(socket: Socket, folder: string) {
    super({ decodeStrings: true })
    this.#socket = socket
    this.#folder = folder
    socket.on('data', new LineReader(() => this.#passedOn()).listener)
    socket.on('error', (error) => this.destroy(error))
    // Broken pipes need no report, as for a socket.
    this.on('error', () => {})
  }

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.#send(bytes, done)
  }

  override _writev(chunks: readonly { chunk: Buffer }[], done: () => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: () => void): void {
    this.#socket.write('end\n', () => done())
  }

  #send(bytes: Uint8Array, done: () => void): void {
    this.#number += 1
    const file = path.join(this.#folder, String(this.#number))
    writeFileSync(file, bytes)
    this.#passedOn = () => {
      rmSync(file)
      done()
    }
    this.#socket.write(`${this.#number}\n`)
  }
}
