// Builds the addon as it is shipped (node-gyp, binding.gyp). Does nothing when no input is newer than the build.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const addon = join(root, 'build/Release/ipvs.node')
const stamp = join(root, 'build/inputs.sha256')

function inputs() {
  const files = ['binding.gyp', 'package-lock.json']
  for (const layer of ['netlink', 'ipvs', 'nftables', 'addon']) {
    for (const name of readdirSync(join(root, 'native', layer))) files.push(join('native', layer, name))
  }
  files.push('native/sources.gypi')
  const hash = createHash('sha256').update(process.version)
  for (const file of files.toSorted()) hash.update(file).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

const wanted = inputs()
if (existsSync(addon) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) process.exit(0)

console.error('building the native addon (about 30 s) ...')
const built = spawnSync('npx', ['--no-install', 'node-gyp', 'rebuild', '--silent'], { cwd: root, stdio: 'inherit' })
if (built.status !== 0) process.exit(built.status ?? 1)
writeFileSync(stamp, wanted)
