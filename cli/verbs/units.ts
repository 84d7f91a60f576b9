// `ipvs install-units` and `ipvs uninstall-units`.
import { realpathSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import type { Context } from '../shared/context.ts'
import { FileError, writeText } from '../shared/files.ts'
import { FAILED } from '../shared/status.ts'
import { systemProblem } from '../shared/system-error.ts'
import { MARKER, unitFiles, type UnitPlan } from './unit-files.ts'

interface Options {
  readonly root: string
  readonly dryRun?: boolean
}

interface InstallOptions extends Options {
  readonly state: string
  readonly nat?: boolean
}

function absolute(path: string): string {
  if (!isAbsolute(path) || /[\n\r]/.test(path)) throw new InvalidArgumentError('an absolute path is needed.')
  return path
}

// The real paths: links in PATH may be gone at boot, before the file systems of users.
function programWords(): readonly string[] {
  const program = realpathSync(process.argv[1] ?? '')
  if (program.includes('/_npx/')) {
    throw new FileError(`${program} is a cache of npx, which may be emptied; run: npm install --global ipvs`)
  }
  return [realpathSync(process.execPath), program]
}

async function present(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new FileError(`${file}: ${systemProblem(error)}`, { cause: error })
  }
}

async function orFileError(file: string, done: Promise<unknown>): Promise<void> {
  try {
    await done
  } catch (error) {
    throw new FileError(`${file}: ${systemProblem(error)}`, { cause: error })
  }
}

/** Files of this program with their contents; throws before anything is written if a file is somebody else's. */
async function ownFiles(root: string): Promise<ReadonlyMap<string, string | undefined>> {
  const files = new Map<string, string | undefined>()
  for (const path of Object.keys(unitFiles)) files.set(path, await present(join(root, path)))
  const foreign = [...files].filter(([, text]) => text !== undefined && !text.startsWith(MARKER))
  if (foreign.length === 0) return files
  const names = foreign.map(([path]) => join(root, path)).join(', ')
  throw new FileError(`${names}: not written by "ipvs install-units"; rename or remove it. Nothing was changed`)
}

const next = (state: string) => `Then:
  mkdir -p ${dirname(state)} && ipvs save ${state}
  systemctl daemon-reload && systemctl restart systemd-modules-load systemd-sysctl
  systemctl enable ipvs-marks ipvs-services
`

async function install(context: Context, options: InstallOptions): Promise<void> {
  const { root, dryRun = false, state, nat = false } = options
  const plan: UnitPlan = { program: programWords(), state, nat }
  for (const [path, before] of await ownFiles(root)) {
    const file = join(root, path)
    const text = `${MARKER}\n${unitFiles[path]?.(plan)}`
    const word = before === undefined ? 'new' : before === text ? 'unchanged' : 'changed'
    if (!dryRun && word !== 'unchanged') {
      await orFileError(dirname(file), mkdir(dirname(file), { recursive: true }))
      await writeText(file, text, context.streams)
    }
    context.streams.out(`${file}: ${word}\n`)
  }
  context.streams.out(next(state))
}

async function uninstall(context: Context, { root, dryRun = false }: Options): Promise<void> {
  const files = [...(await ownFiles(root))].filter(([, text]) => text !== undefined)
  for (const [path] of files) {
    const file = join(root, path)
    if (!dryRun) await orFileError(file, rm(file))
    context.streams.out(`${file}: removed\n`)
  }
  if (files.length > 0) return context.streams.out('Then:\n  systemctl daemon-reload\n')
  context.streams.error(`ipvs: no units in ${root}\n`)
  context.status = FAILED
}

const rootOption = ['--root <path>', 'folder of the system', absolute, '/'] as const

export function registerUnits(program: Command, context: Context): void {
  program
    .command('install-units')
    .option(...rootOption)
    .option('--state <file>', 'the file of "ipvs save" that is restored at boot', absolute, '/etc/ipvs/table.json')
    .option('--nat', 'set net.ipv4.ip_forward and net.ipv6.conf.all.forwarding')
    .option('--dry-run', 'print the files without writing them')
    .description("write systemd's units, modules and sysctls that restore the table and the marks at boot")
    .addHelpText('after', '\nExamples:\n  ipvs install-units --dry-run\n  ipvs install-units --nat')
    .action(async (options: InstallOptions) => install(context, options))
  program
    .command('uninstall-units')
    .option(...rootOption)
    .option('--dry-run', 'print the files without removing them')
    .description('remove the files of install-units')
    .addHelpText('after', '\nExample:\n  ipvs uninstall-units --dry-run')
    .action(async (options: Options) => uninstall(context, options))
}
