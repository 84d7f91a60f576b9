// Installs missing Debian packages for building, the demo, benchmarks and the tests:
//   node scripts/setup.mjs [build|demo|bench|test]
// The lab has its own setup (npm run lab -- setup).
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const build = ['g++', 'make', 'python3']
const demo = [...build, 'iproute2', 'openssl', 'kmod']
const peers = ['keepalived', 'ldirectord', 'openssl', 'procps']
const bench = [...build, 'iproute2', 'kmod', 'ipvsadm', 'nftables', 'iptables', 'valgrind', ...peers]
const test = [
  ...demo,
  'cmake',
  'ninja-build',
  'doctest-dev',
  'clang-19',
  'libclang-rt-19-dev',
  'clang-format-19',
  'clang-tidy-19',
  'ipvsadm',
  'ldirectord',
  'nftables',
  'iptables',
  'tcpdump',
  'curl',
  'vsftpd',
  'lftp',
  'strace',
  'valgrind',
]
const lists = { build, demo, bench, test }

const purpose = process.argv[2] ?? 'test'
const wanted = lists[purpose]
if (!wanted) {
  console.error(`setup: ${purpose} is none of ${Object.keys(lists).join(', ')}`)
  process.exit(2)
}

function isInstalled(name) {
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Status}', name], { encoding: 'utf8' })
  return query.stdout?.endsWith('ok installed')
}

function run(command, args) {
  const done = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (done.status !== 0) {
    console.error(`setup: ${command} ${args.join(' ')} failed`)
    process.exit(1)
  }
}

const system = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
if (!/^(ID|ID_LIKE)=.*(debian|ubuntu)/m.test(system)) {
  console.error(`setup: not Debian or Ubuntu; install the equivalents of these Debian packages: ${wanted.join(' ')}`)
  process.exit(0) // missing programs are reported on use
}
const missing = wanted.filter((name) => !isInstalled(name))
if (missing.length === 0) process.exit(0)
if (process.getuid() !== 0) {
  console.error(`setup: missing packages, and not root. As root: apt-get install ${missing.join(' ')}`)
  process.exit(1)
}
console.error(`setup: installing ${missing.join(' ')}`)
run('apt-get', ['update', '-qq'])
run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing])
