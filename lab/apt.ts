// Fetches kernel packages with apt, with separate lists, sources and caches: it does not change or trust the state of the
// machine's apt, and needs no root. The machine's apt.conf (proxies, credentials) still applies, because the lab's
// configuration is read after it.

import { execFile, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { KernelSource } from './kernels.ts'
import type { Mirror, MirrorPair } from './mirror.ts'

const execute = promisify(execFile)

/** A Debian package, from the index. */
export interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly sizeBytes: number
}

/** Apt for one set of suites. */
export class LabApt {
  readonly #folder: string
  readonly #configuration: string

  constructor(folder: string, source: KernelSource, mirrors: MirrorPair) {
    this.#folder = folder
    this.#configuration = path.join(folder, 'apt.conf')
    for (const part of ['state/lists/partial', 'cache/archives/partial', 'packages']) {
      mkdirSync(path.join(folder, part), { recursive: true })
    }
    writeFileSync(path.join(folder, 'status'), '')
    // A mirror's address may contain a password.
    writeFileSync(path.join(folder, 'sources.list'), sourcesList(source, mirrors), { mode: 0o600 })
    writeFileSync(this.#configuration, aptConfiguration(folder, source))
  }

  /** Where `download` puts packages. */
  get packageFolder(): string {
    return path.join(this.#folder, 'packages')
  }

  /** Fetches the indexes. Resolves with apt's error messages: some, such as a missing security suite, are harmless. */
  async update(): Promise<string> {
    const { code, stderr } = await this.#run(['update', '-qq'])
    return code === 0 && stderr === '' ? '' : stderr.trim() || `apt-get update failed with status ${code}`
  }

  /** The packages of a kernel: the dependencies of the meta package, since 2026 several in unstable. */
  async kernelPackages(): Promise<DebianPackage[]> {
    const image = (await this.#depends('linux-image-amd64')).find((name) => /^linux-image-\d/.test(name))
    if (image === undefined) return []
    const parts = (await this.#depends(image)).filter((name) => /^linux-(?:base|binary|modules)-\d/.test(name))
    return Promise.all([image, ...parts].map((name) => this.describe(name)))
  }

  /** The package of the kernel's sources: the dependency of the meta package. */
  async sourcePackages(): Promise<DebianPackage[]> {
    const name = (await this.#depends('linux-source')).find((each) => /^linux-source-\d/.test(each))
    return name === undefined ? [] : [await this.describe(name)]
  }

  async describe(name: string): Promise<DebianPackage> {
    const { stdout } = await execute('apt-cache', ['-c', this.#configuration, 'show', '--no-all-versions', name])
    const field = (key: string): string => new RegExp(`^${key}: (.*)$`, 'm').exec(stdout)?.[1] ?? ''
    if (field('Version') === '') throw new Error(`the mirror has no package ${name}`)
    return { name, version: field('Version'), sizeBytes: Number(field('Size')) }
  }

  async download(packages: readonly DebianPackage[]): Promise<void> {
    const names = packages.map((wanted) => `${wanted.name}=${wanted.version}`)
    const { code, stderr } = await this.#run(['download', '-qq', ...names])
    if (code !== 0) throw new Error(`apt-get download failed: ${stderr.trim()}`)
  }

  async #depends(name: string): Promise<string[]> {
    const result = await execute('apt-cache', ['-c', this.#configuration, 'depends', name], {
      env: { ...process.env, LC_ALL: 'C' },
    }).catch(() => undefined)
    const lines = (result?.stdout ?? '').matchAll(/^ *\|?(?:Pre)?Depends: (\S+)$/gm)
    return Array.from(lines, (match) => match[1] ?? '')
  }

  async #run(args: readonly string[]): Promise<{ code: number; stderr: string }> {
    const child = spawn('apt-get', ['-c', this.#configuration, ...args], {
      cwd: this.packageFolder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? 1, stderr }))
    })
  }
}

function sourcesList(source: KernelSource, mirrors: MirrorPair): string {
  const main = source.suites.map((suite) => sourceLine(mirrors.main, suite))
  return [...main, ...source.securitySuites.map((suite) => sourceLine(mirrors.security, suite))].join('')
}

function sourceLine(mirror: Mirror, suite: string): string {
  const options = [
    'arch=amd64',
    ...(mirror.signedBy === undefined ? [] : [`signed-by=${mirror.signedBy}`]),
    ...(mirror.trusted ? ['trusted=yes'] : []),
  ]
  return `deb [${options.join(' ')}] ${mirror.uri} ${suite} main\n`
}

function aptConfiguration(folder: string, source: KernelSource): string {
  const at = (name: string): string => JSON.stringify(path.join(folder, name))
  return [
    // The machine's hooks concern its own packages; some empty caches.
    '#clear APT::Update::Pre-Invoke;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    `Dir::State ${at('state/')};`,
    `Dir::State::lists ${at('state/lists/')};`,
    `Dir::State::status ${at('status')};`,
    `Dir::Cache ${at('cache/')};`,
    `Dir::Cache::pkgcache ${at('cache/pkgcache.bin')};`,
    `Dir::Cache::srcpkgcache ${at('cache/srcpkgcache.bin')};`,
    `Dir::Etc::SourceList ${at('sources.list')};`,
    'Dir::Etc::SourceParts "/dev/null";',
    'Dir::Etc::Preferences "/dev/null";',
    'Dir::Etc::PreferencesParts "/dev/null";',
    // Backports need an explicit default release. Other series must not set one: it would outrank security updates.
    ...(source.suites.length > 1 ? [`APT::Default-Release "${source.suites[0]}";`] : []),
    'APT::Architecture "amd64";',
    'APT::Architectures { "amd64"; };',
    // Apt's download user has no access to this user's cache folder.
    'APT::Sandbox::User "";',
    // The index of an unsupported release expires; its signature stays valid.
    'Acquire::Check-Valid-Until "false";',
    'Acquire::Languages "none";',
    'Acquire::Retries "2";',
    '',
  ].join('\n')
}
