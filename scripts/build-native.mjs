// Builds the addon that ships (node-gyp, binding.gyp), unless its inputs have not changed:
//   node scripts/build-native.mjs [--prebuild]
// --prebuild always builds and also stores the result in prebuilds/, stripped and named by platform and libc.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const addon = join(root, 'build/Release/ipvs.node')
const stamp = join(root, 'build/inputs.sha256')

function hashOfInputs() {
  const files = ['binding.gyp', 'package-lock.json', 'native/sources.gypi']
  for (const layer of ['netlink', 'ipvs', 'nftables', 'connections', 'packing', 'addon']) {
    for (const name of readdirSync(join(root, 'native', layer))) files.push(join('native', layer, name))
  }
  const hash = createHash('sha256').update(process.version)
  for (const file of files.toSorted()) hash.update(file).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

// A Node.js installed with its headers needs no download.
function headers() {
  const prefix = dirname(dirname(process.execPath))
  const own = existsSync(join(prefix, 'include/node/node_api.h'))
  return own && !process.env.npm_config_nodedir ? { npm_config_nodedir: prefix } : {}
}

const prebuild = process.argv.includes('--prebuild')
const inputs = hashOfInputs()
const current = existsSync(addon) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs
if (current && !prebuild) process.exit(0)

console.error('building the native addon, which takes half a minute ...')
const [command, ...args] = prebuild
  ? ['prebuildify', '--napi', '--strip', '--tag-libc', '-t', '20.19.0', '--quiet']
  : ['node-gyp', 'rebuild', '--silent']
const built = spawnSync(join(root, 'node_modules/.bin', command), args, {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 1 << 26,
  env: { JOBS: 'max', ...process.env, ...headers() },
})
if (built.status !== 0) {
  console.error(`${built.stdout ?? ''}${built.stderr ?? ''}`)
  console.error(built.error ? `${command}: ${built.error.message}; npm ci installs it` : `${command} failed`)
  process.exit(1)
}
if (prebuild) restore()
writeFileSync(stamp, inputs)

// prebuildify empties build/: copies the stripped addon back.
function restore() {
  const folder = join(root, 'prebuilds', `linux-${process.arch}`)
  const [name] = existsSync(folder) ? readdirSync(folder) : []
  if (name === undefined) return // built for another machine
  mkdirSync(dirname(addon), { recursive: true })
  copyFileSync(join(folder, name), addon)
}
