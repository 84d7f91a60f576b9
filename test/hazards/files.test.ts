// Files that commands write: they have the whole new text, or the old one.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { FileError, writeText } from '../../cli/shared/files.ts'
import { plainStreams } from '../../cli/shared/streams.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipvs-files-'))
  file = join(folder, 'table.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = async (name: string, text: string): Promise<void> => writeText(name, text, plainStreams)
const names = (): string[] => readdirSync(folder).toSorted()

// Limits the size of files of this process: the kernel then refuses to write, as with a full disk.
const limitSize = (bytes: number | 'unlimited'): unknown =>
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`])

async function limited(bytes: number, work: () => Promise<void>): Promise<void> {
  limitSize(bytes)
  try {
    await work()
  } finally {
    limitSize('unlimited')
  }
}

test('a new file has the mode that the umask leaves, and no other file remains', async () => {
  const umask = process.umask(0o027)
  try {
    await write(file, 'new')
  } finally {
    process.umask(umask)
  }
  expect(readFileSync(file, 'utf8')).toBe('new')
  expect(statSync(file).mode & 0o7777).toBe(0o640)
  expect(names()).toEqual(['table.json'])
})

// The file itself is synced first, then its folder, which fails.
async function withoutFolderSync(work: () => Promise<void>): Promise<void> {
  await using handle = await open(folder)
  const sync = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'sync')
  sync.mockResolvedValueOnce().mockRejectedValueOnce(Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' }))
  try {
    await work()
    expect(sync).toHaveBeenCalledTimes(2)
  } finally {
    sync.mockRestore()
  }
}

test('if only the folder cannot be synced, the error says that the new text is written', async () => {
  writeFileSync(file, 'old')
  await withoutFolderSync(async () =>
    expect(write(file, 'new')).rejects.toThrow(
      new FileError(
        `${file}: was written, but a loss of power may bring back what was there before: its folder cannot be synced: i/o error (EIO)`,
      ),
    ),
  )
  expect(readFileSync(file, 'utf8')).toBe('new')
  expect(names()).toEqual(['table.json'])
})

test('an old file keeps its text when the new text does not fit', async () => {
  writeFileSync(file, 'old')
  await limited(100, async () =>
    expect(write(file, 'x'.repeat(1000))).rejects.toThrow(`${file}: file too large (EFBIG)`),
  )
  expect(readFileSync(file, 'utf8')).toBe('old')
  expect(names()).toEqual(['table.json'])
})

test('a new file that does not fit is removed', async () => {
  await limited(100, async () => expect(write(file, 'x'.repeat(1000))).rejects.toThrow(FileError))
  expect(names()).toEqual([])
})

test('a reader that has the old file open reads the old text', async () => {
  writeFileSync(file, 'old')
  const reader = openSync(file, 'r')
  await write(file, 'new')
  expect([readFileSync(reader, 'utf8'), readFileSync(file, 'utf8')]).toEqual(['old', 'new'])
  closeSync(reader)
})

test('the mode of a file that is replaced is kept', async () => {
  writeFileSync(file, 'old')
  chmodSync(file, 0o604)
  await write(file, 'new')
  expect(readFileSync(file, 'utf8')).toBe('new')
  expect(statSync(file).mode & 0o7777).toBe(0o604)
})

test.runIf(process.getuid?.() === 0)('the owner of a file that is replaced is kept', async () => {
  writeFileSync(file, 'old')
  execFileSync('chown', ['7:8', file])
  await write(file, 'new')
  expect(statSync(file)).toMatchObject({ uid: 7, gid: 8, size: 3 })
})

test('symbolic links stay, and their file is replaced', async () => {
  mkdirSync(join(folder, 'there'))
  symlinkSync('there/table.json', file)
  await write(file, 'first')
  await write(file, 'second')
  expect(readlinkSync(file)).toBe('there/table.json')
  expect(readdirSync(join(folder, 'there'))).toEqual(['table.json'])
  expect(readFileSync(file, 'utf8')).toBe('second')
})

test('a circle of links, a folder and a missing folder are errors', async () => {
  symlinkSync('table.json', file)
  await expect(write(file, 'new')).rejects.toThrow(`${file}: too many symbolic links encountered (ELOOP)`)
  await expect(write(folder, 'new')).rejects.toThrow('(EISDIR)')
  await expect(write(`${folder}/`, 'new')).rejects.toThrow('(EISDIR)')
  await expect(write(`${folder}/no/where`, 'new')).rejects.toThrow('(ENOENT)')
  await expect(write('', 'new')).rejects.toThrow('(ENOENT)')
})

test('devices are written in place, and their errors are reported', async () => {
  await write('/dev/null', 'new')
  expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
  await expect(write('/dev/full', 'new')).rejects.toThrow('/dev/full: no space left on device (ENOSPC)')
})

test('the file of a descriptor is written in place: other programs write into it', async () => {
  const descriptor = openSync(file, 'a')
  await write(`/proc/self/fd/${descriptor}`, 'new')
  await write(`/dev/fd/${descriptor}`, 'newer')
  writeSync(descriptor, ' and more')
  closeSync(descriptor)
  expect(readFileSync(file, 'utf8')).toBe('newer and more')
})

test('a named pipe is written into', async () => {
  execFileSync('mkfifo', [file])
  const reader = openSync(file, 'r+')
  await write(file, 'new')
  const bytes = Buffer.alloc(3)
  readSync(reader, bytes)
  closeSync(reader)
  expect([String(bytes), statSync(file).isFIFO()]).toEqual(['new', true])
})
