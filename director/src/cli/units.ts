// `ipvs-director install-units`: systemd's units and settings, with the real path of this program.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { printLines } from './output.ts'

/** File of the package to place in the system. */
const places: Readonly<Record<string, string>> = {
  'ipvs-director.service': 'etc/systemd/system/ipvs-director.service',
  'sysusers.conf': 'etc/sysusers.d/ipvs-director.conf',
  'tmpfiles.conf': 'etc/tmpfiles.d/ipvs-director.conf',
  'modules-load.conf': 'etc/modules-load.d/ipvs-director.conf',
  'sysctl.conf': 'etc/sysctl.d/50-ipvs-director.conf',
}

const next = [
  'Then:',
  '  systemd-sysusers && systemd-tmpfiles --create && systemctl restart systemd-modules-load systemd-sysctl',
  '  systemctl daemon-reload && systemctl enable --now ipvs-director',
]

// In a unit, a % begins a specifier, and a path with blanks needs quotes.
const quoted = (text: string): string => `"${text.replaceAll('%', '%%').replaceAll('"', '\\"')}"`

interface UnitOptions {
  readonly root: string
  readonly dryRun?: true
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function install({ root, dryRun }: UnitOptions): Promise<void> {
  const folder = fileURLToPath(new URL('../../systemd/', import.meta.url))
  const program = `${quoted(process.execPath)} ${quoted(fileURLToPath(new URL('main.js', import.meta.url)))}`
  for (const [name, place] of Object.entries(places)) {
    const text = (await readFile(path.join(folder, name), 'utf8')).replaceAll('@program@', program)
    const file = path.join(root, place)
    const before = await read(file)
    const word = before === undefined ? 'new' : before === text ? 'unchanged' : 'changed'
    printLines([`${file}: ${word}`])
    if (dryRun || before === text) continue
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  printLines(next)
}

export function addUnits(program: Command): void {
  program
    .command('install-units')
    .description('writes the systemd unit, user, folders, modules and sysctls that the daemon needs')
    .option('--root <path>', 'folder of the system', '/')
    .option('--dry-run', 'only prints what would change')
    .action(async (options: UnitOptions) => install(options))
}
