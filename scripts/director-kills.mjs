// kill -9 at every system call with an effect of `ipvs-director apply` with 206 changes, on kernels of the lab: about 40 minutes in
// the emulator. Keeps the results in test/faults/director/results.
//   node scripts/director-kills.mjs [kernel ...]      default 6.1
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const kernels = process.argv.length > 2 ? process.argv.slice(2) : ['6.1']
const SERVICES = '31'

function run(command, ...args) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (done.error) console.error(`${command}: ${done.error.message} (npm run setup installs it)`)
  return done.status ?? 1
}

const folder = mkdtempSync(join(tmpdir(), 'director-kills-'))
const failed = []
try {
  const shim = join(folder, 'effects.so')
  const flags = ['-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC']
  if (run('cc', ...flags, '-o', shim, 'test/faults/director/effects.c', '-ldl') !== 0) process.exit(1)
  for (const kernel of kernels) {
    const result = join(folder, `${kernel}.json`)
    const program = `node out/test/faults/director/kills.js ${shim} ${result} ${SERVICES} all`
    const command = ['sh', '-c', `modprobe -a ip_vs nf_tables && ${program}`]
    if (run('node', 'out/lab/main.js', '--kernel', kernel, '--output', folder, '--', ...command) !== 0)
      failed.push(kernel)
    const kept = join(root, 'test/faults/director/results')
    mkdirSync(kept, { recursive: true })
    if (existsSync(result)) copyFileSync(result, join(kept, `${kernel}.json`))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(failed.length > 0 ? `\ndirector-kills: failed: ${failed.join(', ')}` : '\ndirector-kills: nothing found')
process.exit(failed.length > 0 ? 1 : 0)
