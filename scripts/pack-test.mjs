// Tests the published package: packs it, checks its files, installs it into an empty project without build tools, loads it from
// ESM and CommonJS, with types for both, and runs it on a real kernel in its own lab.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const bin = (name) => join(root, 'node_modules/.bin', name)
const work = mkdtempSync(join(tmpdir(), 'ipvs-pack-'))
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

try {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--silent', '--pack-destination', work], root))
  const files = packed.files.map((file) => file.path)
  for (const needed of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/state/index.js',
    'dist/state/index.d.ts',
    'dist/cli.cjs',
    'dist/cli-yaml-LICENSE',
    'docs/ipvs.1',
    'docs/marks.md',
    'docs/guide/start.md',
    'docs/pictures/list.svg',
    'SECURITY.md',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
  ]) {
    assert(files.includes(needed), `${needed} is missing from the tarball`)
  }
  assert(
    files.some((file) => file.startsWith('prebuilds/linux-')),
    'no prebuild in the tarball: npm run prebuilds',
  )
  // With a binding.gyp in the package, package managers would try to build it.
  const stray = files.filter((file) => /\.gyp|^(native|lib|state|cli|test|bench|scripts|examples)\//.test(file))
  assert.deepEqual(stray, [], 'unexpected files in the tarball')

  writeFileSync(join(work, 'package.json'), JSON.stringify({ name: 'consumer', private: true }))
  const tarball = join(work, packed.filename)
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', tarball], work)

  const use = `const ipvs = await Ipvs.open().catch((error) => error)
    if (ipvs instanceof IpvsError ? !ipvs.code.startsWith('ERR_IPVS_') : !(ipvs instanceof Ipvs)) throw ipvs
    if (ipvs instanceof Ipvs) await ipvs.close()
    console.log('loaded')`
  writeFileSync(
    join(work, 'esm.mjs'),
    `import { Ipvs, IpvsError, FirewallMarks } from 'ipvs'
    import { diffState, StateError } from 'ipvs/state'
    ${use}\nif (!FirewallMarks) throw 1
    try { diffState({ services: [] }, { services: [7] }) } catch (error) {
      if (!(error instanceof StateError && error instanceof IpvsError)) throw error
    }`,
  )
  writeFileSync(join(work, 'cjs.cjs'), `const { Ipvs, IpvsError } = require('ipvs')\nvoid (async () => { ${use} })()`)
  for (const file of ['esm.mjs', 'cjs.cjs']) assert.equal(run(process.execPath, [file], work).trim(), 'loaded', file)

  // The program, as `ipvs` and as `ipvsadm`.
  const program = join(work, 'node_modules/.bin/ipvs')
  assert.match(run(program, ['adm', '-v'], work), /^ipvsadm v1\.31 /)
  symlinkSync(program, join(work, 'ipvsadm'))
  assert.match(run(join(work, 'ipvsadm'), ['--help'], work), /--add-service/)

  // The lab of the package: runs the program on a real kernel and passes on the exit status.
  if (spawnSync('qemu-system-x86_64', ['--version']).error === undefined) {
    const series = process.env.IPVS_LAB_SERIES
    const kernel = series === undefined ? [] : ['--kernel', series]
    const inside = `uname -r; ${program} add service mark:7 && ${program} adm -Sn; exit 7`
    const lab = spawnSync(program, ['lab', ...kernel, '--', 'sh', '-c', `modprobe ip_vs; ${inside}`], {
      cwd: work,
      encoding: 'utf8',
    })
    assert.equal(lab.status, 7, lab.stderr)
    assert.match(lab.stdout, /^[1-9]\d*\.\d+\.\S+\n-A -f 7 -s wlc\n$/)
  } else console.log('pack: "ipvs lab" was not tested: it needs qemu-system-x86_64')

  const stateTyped = `import { readState, diffState, applyChanges, type State } from 'ipvs/state'
const desired: State = { services: [{ service: { fwmark: 7, persistence: { netmask: 24 } } }] }
export async function make(ipvs: Ipvs): Promise<number> {
  return (await applyChanges(diffState(await readState({ ipvs }), desired), { ipvs })).applied
}
`
  const typed = `const ipvs = await Ipvs.open()\nawait ipvs.addService({ fwmark: 7, scheduler: 'rr' })\n`
  writeFileSync(join(work, 'esm.mts'), `import { Ipvs } from 'ipvs'\n${stateTyped}${typed}`)
  writeFileSync(
    join(work, 'cjs.cts'),
    `import { Ipvs } from 'ipvs'\nexport async function main(): Promise<void> { ${typed} }`,
  )
  const settings = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--lib',
    'es2023,esnext.disposable',
  ]
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
  run(bin('tsc'), [...settings, ...types, 'esm.mts', 'cjs.cts'], work)

  run(bin('publint'), ['--strict', tarball], work)
  run(bin('attw'), [tarball, '--profile', 'esm-only'], work)
  console.log(`pack: ${files.length} files, ${packed.size} bytes; loads from ESM and CommonJS, types for both`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
