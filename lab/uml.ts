// The engine that runs the kernel as a program of the host, User-Mode Linux: its command line, and its devices in the guest.

import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { Engine, EngineOptions, Share } from './engine.ts'
import { consoleFd, controlFd, shellQuote, stderrFd, stdinFd, stdoutFd } from './engine.ts'
import { readSpool, spoolInput } from './spool-input.ts'

const kernelArguments = [
  // More than one processor needs this way to run the guest's processes.
  'seccomp=on',
  'noreboot',
  'console=ttyS0',
  'quiet',
  'loglevel=4',
  'panic=-1',
  'oops=panic',
  'rcupdate.rcu_expedited=1',
  // No consoles besides the serial lines.
  'con=null',
  'ssl=null',
  `ssl0=fd:${consoleFd}`,
  `ssl1=fd:${controlFd}`,
]

export const umlEngine: Engine = {
  name: 'uml',
  title: 'User-Mode Linux',
  program: undefined,
  bootModules: [],
  command: umlCommand,
  environment,
  mount: mountShare,
  // Serial lines, unchanged bytes: without echo, line editing and control characters.
  ports: `port() {
  case $1 in
    control) device=/dev/ttyS1 ;;
    stdin | terminal) device=/dev/ttyS2 ;;
    stdout) device=/dev/ttyS3 ;;
    stderr) device=/dev/ttyS4 ;;
  esac
  [ "$1" = terminal ] || $b stty raw -echo <$device
  echo $device
}`,
  readInput: readSpool,
  input: spoolInput,
}

function umlCommand(program: string, options: EngineOptions): string[] {
  const lines = options.terminal ? [stdinFd] : [stdinFd, stdoutFd, stderrFd]
  return [
    ['--pdeathsig', 'KILL', '--', program],
    [`mem=${options.memoryMb}M`, `ncpus=${options.cpus}`, `initrd=${options.kernel.initrd}`],
    kernelArguments,
    lines.map((fd, index) => `ssl${index + 2}=fd:${fd}`),
  ].flat()
}

/** The option of hostfs is the folder. */
function mountShare({ folder, point, writable }: Share): string {
  return `$b mount -t hostfs -o ${shellQuote(`${writable ? 'rw' : 'ro'},${folder}`)} host ${point}`
}

/** The guest's memory is a file. It is in /dev/shm where that has room, which it has not in many containers. */
function environment(memoryMb: number): Record<string, string> {
  return { TMPDIR: freeMb('/dev/shm') >= memoryMb ? '/dev/shm' : tmpdir() }
}

function freeMb(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return (bavail * bsize) / 1e6
  } catch {
    return 0
  }
}
