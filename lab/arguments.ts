// The command line of the lab.

import { parseArgs } from 'node:util'
import { LabUsageError } from './host.ts'
import { defaultKernel, kernelSource, kernelSources } from './kernels.ts'

export interface LabArguments {
  readonly action: 'help' | 'setup' | 'shell' | 'run'
  readonly kernels: readonly string[]
  readonly command: readonly string[]
  readonly timeoutSeconds: number | undefined
  readonly memoryMb: number
  readonly cpus: number
  readonly outputs: readonly string[]
}

/** The text of `--help`; `program` is the command that started the lab. */
export const usage = (program: string): string => `usage: ${program} [OPTION]... COMMAND [ARGUMENT]...
       ${program} setup [--kernel KERNEL]... [--all]
       ${program} [OPTION]... shell

Runs COMMAND as root on a real Linux kernel with IPVS and nf_tables, in a virtual machine that sees this host's files.
Files that the command writes are lost afterwards. The first run downloads the kernel.

  --kernel KERNEL     one of:
${kernelSources.map((source) => `                        ${source.name.padEnd(8)}${source.summary}`).join('\n')}
  --timeout SECONDS   ends the command after this time, with status 124
  --memory MB         default 2048
  --cpus N            default 2
  --output DIRECTORY  keeps files written below it on the host; may be given more than once
  --                  end of options; needed only if COMMAND begins with a dash or is "setup" or "shell"

Exit status: the command's; 124 after a time-out; 125 when the machine could not boot or died; 128 + n after signal n.

  ${program} uname -r
  ${program} --kernel 5.10 sh -c 'modprobe ip_vs && cat /proc/net/ip_vs'
  ${program} --timeout 60 --output /tmp/results sh -c 'ipvsadm -Ln >/tmp/results/table'

Kernels are stored in \${XDG_CACHE_HOME:-~/.cache}/ipvs-lab; remove a folder there to get a newer one.
IPVS_LAB_KERNEL=vmlinuz IPVS_LAB_MODULES=lib/modules/RELEASE run a kernel of your own.
`

/** Options come before the command; everything after it belongs to it. */
export function parseArguments(args: readonly string[]): LabArguments {
  const { values, rest, explicit } = splitOptions(args)
  const [word, ...following] = rest
  const command = explicit || (word !== 'setup' && word !== 'shell')
  if (values.help === true || word === undefined) return toArguments('help', values, [])
  if (command) return toArguments('run', values, rest)
  // "setup --all" reads better than "--all setup": these two accept options after them as well.
  const again = splitOptions(following)
  if (again.values.help === true) return toArguments('help', values, [])
  const shellProgram = word === 'shell' ? again.rest : []
  if (word === 'setup' && again.rest.length > 0) throw new LabUsageError(`setup: unknown argument ${again.rest[0]}`)
  const kernel = [...(values.kernel ?? []), ...(again.values.kernel ?? [])]
  const output = [...(values.output ?? []), ...(again.values.output ?? [])]
  return toArguments(word, { ...values, ...again.values, kernel, output }, shellProgram)
}

const options = {
  kernel: { type: 'string', multiple: true },
  timeout: { type: 'string' },
  memory: { type: 'string' },
  cpus: { type: 'string' },
  output: { type: 'string', multiple: true },
  all: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

interface OptionValues {
  kernel?: string[] | undefined
  timeout?: string | undefined
  memory?: string | undefined
  cpus?: string | undefined
  output?: string[] | undefined
  all?: boolean | undefined
  help?: boolean | undefined
}

function splitOptions(args: readonly string[]): { values: OptionValues; rest: string[]; explicit: boolean } {
  // First pass not strict: the command's own options are unknown to the lab.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const end = tokens.find((token) => token.kind !== 'option')
  const index = end?.index ?? args.length
  const explicit = end?.kind === 'option-terminator'
  try {
    const { values } = parseArgs({ args: args.slice(0, index), options, strict: true })
    return { values, rest: args.slice(explicit ? index + 1 : index), explicit }
  } catch (error) {
    throw new LabUsageError(error instanceof Error ? error.message : String(error))
  }
}

function toArguments(action: LabArguments['action'], values: OptionValues, command: readonly string[]): LabArguments {
  const named = values.kernel ?? []
  for (const name of named) kernelSource(name)
  if (action !== 'setup' && action !== 'help') {
    if (named.length > 1) throw new LabUsageError('--kernel may be given once, except for setup')
    if (values.all === true) throw new LabUsageError('--all is for setup')
  }
  const kernels = values.all === true ? kernelSources.map((source) => source.name) : named
  return {
    action,
    kernels: action === 'setup' && kernels.length === 0 ? [defaultKernel] : [...new Set(kernels)],
    command,
    timeoutSeconds: values.timeout === undefined ? undefined : positive('--timeout', values.timeout),
    memoryMb: Math.round(positive('--memory', values.memory ?? '2048')),
    cpus: Math.round(positive('--cpus', values.cpus ?? '2')),
    outputs: values.output ?? [],
  }
}

function positive(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new LabUsageError(`${option} needs a number above 0, not "${text}"`)
  return value
}
