// The command of the guest: shell text that its second script reads from the host.

import { shellQuote, type Engine, type Share } from './engine.ts'

export interface GuestCommand {
  readonly argv: readonly string[]
  /** Working directory; the guest sees the host's folders. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  readonly outputs: readonly string[]
  /** Size of the terminal to run on; absent for separate streams. */
  readonly terminal?: { readonly rows: number; readonly columns: number }
}

const passedVariables = new Set(['HOME', 'PATH', 'TERM', 'LANG', 'CI', 'NODE_OPTIONS'])

/** The environment variables passed to commands in the guest. */
export function guestEnvironment(from: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(from)) {
    const passed = passedVariables.has(name) || /^(?:IPVS|LC)_/.test(name)
    if (passed && value !== undefined) environment[name] = value
  }
  environment['PATH'] = withSystemFolders(environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin')
  return environment
}

/** Commands in the guest run as root and need `ip` and `modprobe` in the PATH, for every user of the lab. */
function withSystemFolders(searchPath: string): string {
  const folders = searchPath.split(':')
  const missing = ['/usr/local/sbin', '/usr/sbin', '/sbin'].filter((folder) => !folders.includes(folder))
  return [...folders, ...missing].join(':')
}

/** Defines the functions that the second script calls. The script writes `marker` after the command's output. */
export function guestScript(command: GuestCommand, engine: Engine, shares: readonly Share[], marker: string): string {
  const mounts = shares.map((share) => `  $b mkdir -p ${share.point} && ${engine.mount(share)} || return 1\n`)
  const variables = Object.entries(command.environment).map(([name, value]) => shellQuote(`${name}=${value}`))
  const words = [...variables, ...command.argv.map(shellQuote)].join(' ')
  const { terminal } = command
  return [
    `lab_terminal='${terminal === undefined ? '' : `rows ${terminal.rows} cols ${terminal.columns}`}'\n`,
    `lab_marker=${shellQuote(marker)}\n`,
    `lab_mounts() {\n  :\n${mounts.join('')}}\n`,
    // Through env: some builds of busybox would run their own applet instead of the host's program.
    `lab_command() {\n  cd ${shellQuote(command.folder)} || exit 126\n  exec /usr/bin/env -i ${words}\n}\n`,
  ].join('')
}
