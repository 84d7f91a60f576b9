// The engine that emulates a machine: the command line of qemu, and its devices in the guest.

import type { Engine, EngineOptions, Share } from './engine.ts'
import { consoleFd, controlFd, stderrFd, stdinFd, stdoutFd } from './engine.ts'

const kernelArguments = [
  'console=ttyS0',
  'quiet',
  'loglevel=4',
  // A crash ends the machine (qemu runs with -no-reboot), so no test runs on a broken kernel.
  'panic=-1',
  'oops=panic',
  'mitigations=off',
  'random.trust_cpu=on',
  // Shortens the removal of a network namespace from tenths of a second to milliseconds.
  'rcupdate.rcu_expedited=1',
  'audit=0',
]

export const qemuEngine: Engine = {
  name: 'qemu',
  title: 'qemu',
  program: 'qemu-system-x86_64',
  bootModules: ['virtio_pci', 'virtio_console', 'virtio_rng', '9pnet_virtio', '9p', 'overlay'],
  command: qemuCommand,
  environment: () => ({}),
  mount: mountShare,
  ports: `port() {
  for entry in /sys/class/virtio-ports/*; do
    [ -e "$entry/name" ] || continue
    read -r name <"$entry/name"
    [ "$name" = "lab.$1" ] && echo "/dev/\${entry##*/}" && return 0
  done
  [ "$1" = terminal ] && [ -c /dev/hvc0 ] && echo /dev/hvc0
}`,
  readInput: '$b cat <&6',
  input: () => ({ shares: [], connect: (socket) => socket, close: () => {} }),
}

/**
 * Arguments for setpriv. TCG is explicit because KVM must not be used even if /dev/kvm exists: on some hosts a guest hangs on it.
 * Without `erms` the kernel copies and clears eight bytes per step instead of one, which is faster in an emulator.
 *
 * lab.control must be the last port. Writing to a port blocks until the host is connected, and connections are announced in
 * order: after "ready" all other ports are connected, and an end-of-file on lab.stdin is a real one.
 */
function qemuCommand(qemu: string, options: EngineOptions): string[] {
  const { kernel } = options
  return [
    ['--pdeathsig', 'KILL', '--', qemu],
    ['-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max,-erms'],
    ['-smp', String(options.cpus), '-m', String(options.memoryMb)],
    ['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ['-kernel', kernel.image, '-initrd', kernel.initrd, '-append', kernelArguments.join(' ')],
    ['-chardev', `socket,id=console,fd=${consoleFd}`, '-serial', 'chardev:console'],
    ['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    ...options.shares.map(shareDevice),
    ['-device', 'virtio-serial-pci'],
    ...(options.terminal ? [terminalPort()] : streamPorts()),
    port('control', controlFd),
  ].flat()
}

function shareDevice({ tag, folder, writable }: Share): string[] {
  const path = folder.replaceAll(',', ',,')
  // "none" passes owners and modes through and, unlike "passthrough", works without root. multidevs separates the inode numbers
  // of the file systems below "/".
  const file = `local,id=${tag},path=${path},security_model=none,multidevs=remap${writable ? '' : ',readonly=on'}`
  return ['-fsdev', file, '-device', `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`]
}

/**
 * Mounts a share over 9p. msize is the maximum of the virtio transport (125 pages).
 *
 * cache=loose caches file contents for the life of the machine. It is by far the fastest mode (a node start reads some hundred
 * files), and such a share is read-only. Drawback: the guest may see old contents of files that change on the host.
 * cache=none, where the guest writes: written data is on the host when the call returns.
 */
function mountShare({ tag, point, writable }: Share): string {
  const mode = writable ? 'rw' : 'ro'
  const cache = writable ? 'none' : 'loose'
  return `$b mount -t 9p -o ${mode},trans=virtio,version=9p2000.L,msize=512000,cache=${cache} ${tag} ${point}`
}

function streamPorts(): string[][] {
  return [port('stdin', stdinFd), port('stdout', stdoutFd), port('stderr', stderrFd)]
}

function port(name: string, fd: number): string[] {
  const device = `virtserialport,chardev=${name},name=lab.${name}`
  return ['-chardev', `socket,id=${name},fd=${fd}`, '-device', device]
}

function terminalPort(): string[] {
  return ['-chardev', `socket,id=terminal,fd=${stdinFd}`, '-device', 'virtconsole,chardev=terminal']
}
