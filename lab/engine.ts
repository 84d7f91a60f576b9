// What the two engines have in common. An engine starts a machine and tells how its guest reaches the host's files and the
// command's streams. qemu.ts emulates a processor; uml.ts runs the kernel as a program (User-Mode Linux).

import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'

/** File descriptors that the machine inherits: one end of a socket pair each, so no socket files need a clean-up. */
export const consoleFd = 3
export const controlFd = 4
/** The command's stdin, or the terminal instead of all three streams. */
export const stdinFd = 5
export const stdoutFd = 6
export const stderrFd = 7

/** The files of a kernel. */
export interface KernelFiles {
  /** The image to boot; for User-Mode Linux a program. */
  readonly image: string
  /** Mounted as /lib/modules/<release> in the guest. */
  readonly modules: string
  readonly initrd: string
}

/** A folder of the host in the guest. */
export interface Share {
  readonly tag: string
  readonly folder: string
  /** Where the guest mounts it, a word of the shell. */
  readonly point: string
  readonly writable: boolean
}

/** The way of the command's input into the guest. */
export interface GuestInput {
  readonly shares: readonly Share[]
  connect(socket: Socket): Writable
  close(): void
}

export interface EngineOptions {
  readonly kernel: KernelFiles
  readonly memoryMb: number
  readonly cpus: number
  readonly shares: readonly Share[]
  readonly terminal: boolean
}

export interface Engine {
  readonly name: 'qemu' | 'uml'
  /** How messages call it. */
  readonly title: string
  /** The program to start; undefined: the kernel's image itself. */
  readonly program: string | undefined
  /** Modules in the initrd, loaded before the host's files are mounted. Further modules are loaded from /lib/modules. */
  readonly bootModules: readonly string[]
  /** Arguments for setpriv, which starts `program` so that the machine ends with the lab, even after SIGKILL. */
  command(program: string, options: EngineOptions): string[]
  /** Variables of the environment that the program needs. */
  environment(memoryMb: number): Record<string, string>
  /** Shell text that mounts a share. */
  mount(share: Share): string
  /** Shell text that defines `port NAME`: prints the device of control, stdin, stdout, stderr or terminal; fails without it. */
  readonly ports: string
  /** Shell text that copies the command's input from descriptor 6 to stdout. */
  readonly readInput: string
  /** The host's end of the command's input. */
  input(): GuestInput
}

export const rootShare: Share = { tag: 'root', folder: '/', point: '/lower', writable: false }

/** What the guest mounts besides the host's files. */
export function otherShares(modules: string, outputs: readonly string[]): Share[] {
  return [
    { tag: 'modules', folder: modules, point: '/lib/modules/$($b uname -r)', writable: false },
    ...outputs.map((folder, index) => ({ tag: `output${index}`, folder, point: shellQuote(folder), writable: true })),
  ]
}

/** Quotes for sh; works for every string without NUL. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
