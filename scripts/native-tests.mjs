// Builds and runs the C++ tests, without Node's headers, under AddressSanitizer and UndefinedBehaviorSanitizer; with `--tsan`
// also under ThreadSanitizer.
import { spawnSync } from 'node:child_process'

const root = new URL('..', import.meta.url).pathname
const presets = process.argv.includes('--tsan') ? ['asan', 'tsan'] : ['asan']
const steps = (preset) => [
  ['cmake', '--preset', preset, '--log-level=ERROR'],
  ['cmake', '--build', '--preset', preset],
  ['ctest', '--preset', preset],
]
for (const [command, ...args] of presets.flatMap(steps)) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (done.error) console.error(`${command}: ${done.error.message} (npm run setup installs it)`)
  if (done.status !== 0) process.exit(done.status ?? 1)
}
