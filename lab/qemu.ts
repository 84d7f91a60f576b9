// The command line of qemu.

import type { LabKernel } from './kernels.ts'

/** File descriptors that qemu inherits: one end of a socket pair each, so no socket files need a clean-up. */
export const consoleFd = 3
export const controlFd = 4
/** The command's stdin, or the terminal instead of all three streams. */
export const stdinFd = 5
export const stdoutFd = 6
export const stderrFd = 7

export interface QemuOptions {
  readonly kernel: LabKernel
  readonly memoryMb: number
  readonly cpus: number
  /** Host directories that the guest may write to, under the same path. */
  readonly outputs: readonly string[]
  readonly terminal: boolean
}

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

/**
 * Arguments for setpriv, which starts qemu. TCG is explicit because KVM must not be used even if /dev/kvm exists: on some hosts
 * a guest hangs on it. Without `erms` the kernel copies and clears eight bytes per step instead of one, which is faster in an
 * emulator.
 */
export function qemuCommand(qemu: string, options: QemuOptions): string[] {
  const { kernel } = options
  return [
    // The machine ends with the lab, even after SIGKILL.
    ['--pdeathsig', 'KILL', '--', qemu],
    ['-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max,-erms'],
    ['-smp', String(options.cpus), '-m', String(options.memoryMb)],
    ['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ['-kernel', kernel.image, '-initrd', kernel.initrd, '-append', kernelArguments.join(' ')],
    ['-chardev', `socket,id=console,fd=${consoleFd}`, '-serial', 'chardev:console'],
    ['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    share('root', '/', true),
    share('modules', kernel.modules, true),
    ...options.outputs.map((folder, index) => share(outputTag(index), folder, false)),
    ['-device', 'virtio-serial-pci'],
    ...(options.terminal ? [terminalPort()] : streamPorts()),
    port('control', controlFd),
  ].flat()
}

export function outputTag(index: number): string {
  return `output${index}`
}

function share(tag: string, folder: string, readOnly: boolean): string[] {
  const path = folder.replaceAll(',', ',,')
  // "none" passes owners and modes through and, unlike "passthrough", works without root. multidevs separates the inode numbers
  // of the file systems below "/".
  const file = `local,id=${tag},path=${path},security_model=none,multidevs=remap${readOnly ? ',readonly=on' : ''}`
  return ['-fsdev', file, '-device', `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`]
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
