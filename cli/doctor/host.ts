// Facts about the machine, read when IPVS is unavailable: possible reasons why ip_vs is not loaded.
import { readFile, readdir } from 'node:fs/promises'
import { release } from 'node:os'

export interface HostFacts {
  /** `uname -r`. */
  readonly release: string
  /** Releases with a folder below /lib/modules. */
  readonly moduleFolders: readonly string[]
  /** Whether there is a module ip_vs for this release. */
  readonly hasModule: boolean
  /** The sysctl kernel.modules_disabled is 1: no module can be loaded until the next boot. */
  readonly modulesDisabled: boolean
  /** Files of modprobe.d with an `install` line for ip_vs. */
  readonly replacedIn: readonly string[]
  /** The process has CAP_SYS_MODULE. */
  readonly mayLoad: boolean
  /** Name of the container runtime; absent outside of containers. */
  readonly container?: string | undefined
  /** The process is outside of the initial user namespace, as in rootless containers. */
  readonly userNamespace: boolean
  /** The systemd unit of the process. */
  readonly unit?: string | undefined
}

const MODULES = '/lib/modules'
// In the search order of modprobe.
const MODPROBE_FOLDERS = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'].map((place) => `${place}/modprobe.d`)
const CAP_SYS_MODULE = 16n

const read = async (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '')
const list = async (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

/** Whether the text of `modules.dep` or `modules.builtin` lists ip_vs, plain or compressed. */
export const listsModule = (text: string): boolean => /(?:^|\/)ip_vs\.ko(?:\.\w+)?(?::|$)/m.test(text)

/** Whether a file of modprobe.d has an `install` line for ip_vs. A blacklist only stops loading by alias. */
export const replacesModule = (text: string): boolean => /^\s*install\s+ip[_-]vs\s/m.test(text)

/** The initial user namespace maps all IDs to themselves. */
export const isUserNamespace = (map: string): boolean => map !== '' && !/^\s*0\s+0\s+4294967295\s*$/.test(map)

/** The service in a path of control groups, `0::/system.slice/director.service`. */
export function unitOf(groups: string): string | undefined {
  const [, unit] = /\/([\w@.:\\-]+\.service)(?:\/|$)/m.exec(groups) ?? []
  return unit
}

function hasCapability(status: string, capability: bigint): boolean {
  const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? []
  return effective !== undefined && ((BigInt(`0x${effective}`) >> capability) & 1n) === 1n
}

// Marks of container runtimes: the environment variable `container` (podman, systemd-nspawn, LXC), and files of docker and podman.
async function containerName(): Promise<string | undefined> {
  const [docker, podman, systemd] = [await list('/'), await list('/run'), await read('/run/systemd/container')]
  if (process.env['container']) return process.env['container']
  if (systemd.trim() !== '') return systemd.trim()
  if (docker.includes('.dockerenv')) return 'docker'
  return podman.includes('.containerenv') ? 'podman' : undefined
}

async function replacements(): Promise<string[]> {
  const found: string[] = []
  for (const folder of MODPROBE_FOLDERS) {
    const files = (await list(folder)).filter((name) => name.endsWith('.conf')).toSorted()
    for (const name of files) if (replacesModule(await read(`${folder}/${name}`))) found.push(`${folder}/${name}`)
  }
  // If /lib is a link to /usr/lib, both paths are the same file.
  return found.filter((file) => !found.includes(`/usr${file}`))
}

export async function readHost(): Promise<HostFacts> {
  const running = release()
  const lists = [await read(`${MODULES}/${running}/modules.dep`), await read(`${MODULES}/${running}/modules.builtin`)]
  return {
    release: running,
    moduleFolders: await list(MODULES),
    hasModule: lists.some(listsModule),
    modulesDisabled: (await read('/proc/sys/kernel/modules_disabled')).trim() === '1',
    replacedIn: await replacements(),
    mayLoad: hasCapability(await read('/proc/self/status'), CAP_SYS_MODULE),
    container: await containerName(),
    userNamespace: isUserNamespace(await read('/proc/self/uid_map')),
    unit: unitOf(await read('/proc/self/cgroup')),
  }
}
