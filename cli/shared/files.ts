// Reads text from files or standard input, and writes text files. Reading ends for every kind of file; errors name the file.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { Streams } from './streams.ts'
import { replaceFile } from './replace-file.ts'
import { systemProblem } from './system-error.ts'

/** A file cannot be read or written, or has invalid contents. The message has its name and the reason. */
export class FileError extends Error {}

const MOST_BYTES = 256 * 2 ** 20
const PIECE_BYTES = 2 ** 18
const PAUSE_MS = 20
const LONGEST_WAIT_MS = 5000 // for a writer of a named pipe

const TOO_LONG = `is longer than ${MOST_BYTES / 2 ** 20} MiB`
const UTF16 = 'is UTF-16; convert it to UTF-8'

/** The name of the input in messages. */
export function inputName(file: string | undefined): string {
  return file === undefined || file === '-' ? 'standard input' : file
}

function again(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
}

// Opens without blocking, because a blocking open cannot be ended: polls a named pipe until a writer has opened it.
async function* filePieces(file: string): AsyncGenerator<Uint8Array> {
  await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  const stat = await handle.stat()
  if (stat.isDirectory()) throw new FileError('is a directory')
  if (stat.size > MOST_BYTES) throw new FileError(TOO_LONG)
  const latest = stat.isFIFO() ? performance.now() + LONGEST_WAIT_MS : 0
  let isOpen = false // for writing
  for (;;) {
    const read = await handle.read(Buffer.alloc(PIECE_BYTES)).catch(again)
    if (read?.bytesRead === 0 && (isOpen || performance.now() >= latest)) return
    isOpen ||= read?.bytesRead !== 0
    if (read === undefined || read.bytesRead === 0) await setTimeout(PAUSE_MS)
    else yield read.buffer.subarray(0, read.bytesRead)
  }
}

function assertText(piece: Uint8Array, start: number): void {
  const [first = 0, second = 0] = piece
  if (start === 0 && (first << 8) + second === 0xfeff) throw new FileError(UTF16)
  if (start === 0 && (second << 8) + first === 0xfeff) throw new FileError(UTF16)
  const zero = piece.indexOf(0)
  if (zero < 0) return
  throw new FileError(start + zero < 2 && first !== second ? UTF16 : `is not text: byte ${start + zero} is zero`)
}

function decoded(decoder: InstanceType<typeof TextDecoder>, piece: Uint8Array | undefined): string {
  try {
    return decoder.decode(piece, { stream: piece !== undefined })
  } catch {
    throw new FileError('is not UTF-8 text')
  }
}

// Strips the byte order mark.
async function textOf(pieces: AsyncIterable<Uint8Array | string>): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const parts: string[] = []
  let bytes = 0
  for await (const given of pieces) {
    const piece = typeof given === 'string' ? Buffer.from(given) : given
    assertText(piece, bytes)
    bytes += piece.length
    if (bytes > MOST_BYTES) throw new FileError(TOO_LONG)
    parts.push(decoded(decoder, piece))
  }
  parts.push(decoded(decoder, undefined))
  return parts.join('')
}

function named(name: string, error: unknown): FileError {
  if (!(error instanceof Error) || (!(error instanceof FileError) && !('code' in error))) throw error
  const problem = error instanceof FileError ? error.message : systemProblem(error)
  return new FileError(`${name}: ${problem}`, { cause: error })
}

/** Reads a whole file, or standard input for `-` or `undefined`. Rejects with `FileError`. */
export async function readText(file: string | undefined, streams: Streams): Promise<string> {
  try {
    return await textOf(file === undefined || file === '-' ? streams.input : filePieces(file))
  } catch (error) {
    throw named(inputName(file), error)
  }
}

/**
 * Writes a file, or standard output for `undefined`. Rejects with `FileError`; `replaceFile` says what the file contains then.
 */
export async function writeText(file: string | undefined, text: string, streams: Streams): Promise<void> {
  if (file === undefined) return streams.out(text)
  try {
    await replaceFile(file, text)
  } catch (error) {
    throw named(file, error)
  }
}
