// `ipvs doctor` without access to IPVS: distinguishes the reasons.
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import type { Reported } from '../../cli/doctor/doctor.ts'

const main = path.resolve(import.meta.dirname, '../../out/lab/main.js')
const series = process.env['IPVS_LAB_SERIES']

// The effect of RestrictAddressFamilies= without AF_NETLINK: socket() fails with EAFNOSUPPORT. System call numbers by architecture.
const sandbox = String.raw`
  my ($prctl, $socket) = qx(uname -m) =~ /aarch64/ ? (167, 198) : (157, 41);
  my @code = ([0x20, 0, 0, 0], [0x15, 0, 3, $socket], [0x20, 0, 0, 16], [0x15, 0, 1, 16], [0x06, 0, 0, 0x00050061],
    [0x06, 0, 0, 0x7fff0000]);
  my $filter = join '', map { pack 'SCCL', @$_ } @code;
  my $program = pack 'Sx6P', scalar @code, $filter;
  syscall($prctl, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
  syscall($prctl, 22, 2, $program, 0, 0) == 0 or die "seccomp: $!";
  exec @ARGV or die "$!";`

const opens = `
  import { FirewallMarks, Ipvs } from 'ipvs'
  const handles = [() => Ipvs.open(), () => FirewallMarks.open()]
  for (const open of handles) {
    try {
      const handle = await open()
      await (handle.listServices?.() ?? handle.list())
      console.log('works')
    } catch (error) { console.log(error.code + ' ' + error.message) }
  }`

// Each step prints its name and then JSON, or text.
const script = String.raw`
  doctor() { echo "== $1"; shift; "$@" node dist/cli.cjs doctor --json || :; }
  mend() { node dist/cli.cjs doctor --json | node -e 'console.log(JSON.parse(fs.readFileSync(0, "utf8"))[0].fix)' >/tmp/fix || :; . /tmp/fix; }
  unload() { for try in 1 2 3; do for module in $(awk '/^ip_vs/ { print $1 }' /proc/modules); do rmmod $module 2>/dev/null || :; done; done; }
  rm -f /.dockerenv /run/.containerenv /run/systemd/container # files of the host, visible in the guest
  unset container
  printf '%s' "$SANDBOX" >/tmp/sandbox.pl
  modprobe ip_vs
  doctor sound env
  doctor sandbox perl /tmp/sandbox.pl
  echo '== handles'; perl /tmp/sandbox.pl node --input-type=module -e "$OPENS"
  mkdir -p /tmp/groups; mount -t cgroup2 none /tmp/groups; mkdir -p /tmp/groups/system.slice/director.service
  (echo 0 >/tmp/groups/system.slice/director.service/cgroup.procs; doctor unit perl /tmp/sandbox.pl)

  mkdir -p /etc/modprobe.d
  echo 'install ip_vs /bin/false' >/etc/modprobe.d/hardening.conf; unload
  doctor blocked env
  mend; doctor blocked-mended env
  echo 'blacklist ip_vs' >/etc/modprobe.d/hardening.conf; unload
  doctor blacklisted env
  doctor nobody setpriv --reuid 65534 --clear-groups --bounding-set -all --
  mend; doctor blacklisted-mended env

  release=$(uname -r); unload
  mount -t tmpfs none /lib/modules
  doctor none env
  doctor container env container=podman
  mkdir /lib/modules/1.2.3; doctor replaced env
  mkdir /lib/modules/$release; echo 'kernel/net/x.ko:' >/lib/modules/$release/modules.dep
  doctor without env
  umount /lib/modules; modprobe ip_vs; doctor host-mended env

  unload; sysctl -qw kernel.modules_disabled=1
  doctor disabled env`

let seen: ReadonlyMap<string, string>
beforeAll(async () => {
  const lab = [...(series === undefined ? [] : ['--kernel', series]), 'env', `SANDBOX=${sandbox}`, `OPENS=${opens}`]
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...lab, 'sh', '-euc', script])
  const steps = stdout.split(/^== /m).slice(1)
  seen = new Map(steps.map((step) => [step.slice(0, step.indexOf('\n')), step.slice(step.indexOf('\n') + 1)]))
})

const findings = (step: string): Reported[] => JSON.parse(seen.get(step) ?? '') as Reported[]

test.each(['sound', 'blocked-mended', 'blacklisted-mended', 'host-mended'])('%s: no problem found', (step) => {
  expect(findings(step)).toMatchObject([{ level: 'good' }])
})

test('the error of every handle names the sandbox, not a module', () => {
  const lines = seen.get('handles')?.trim().split('\n')
  expect(lines).toHaveLength(2)
  for (const line of lines ?? []) {
    expect(line).toMatch(/^ERR_IPVS_PERMISSION_DENIED .*socket refused: AF_NETLINK is not allowed.*RestrictAddressFam/)
    expect(line).not.toContain('modprobe')
  }
})

test.each([
  ['sandbox', 'netlink-forbidden'],
  ['unit', 'netlink-forbidden'],
  ['blocked', 'module-blocked'],
  ['blacklisted', 'ipvs-unavailable'],
  ['nobody', 'ipvs-unavailable'],
  ['none', 'modules-missing'],
  ['container', 'module-of-host'],
  ['replaced', 'modules-missing'],
  ['without', 'kernel-without-ipvs'],
  ['disabled', 'modules-disabled'],
])('%s: %s', (step, code) => {
  expect(findings(step)).toMatchObject([{ level: 'bad', code }])
})

test('fixes depend on the user and the unit', () => {
  expect(findings('unit')[0]?.fix).toContain('/etc/systemd/system/director.service.d/ipvs.conf')
  expect(findings('blacklisted')[0]?.fix).toBe('modprobe ip_vs')
  expect(findings('nobody')[0]?.fix).toBe('sudo modprobe ip_vs')
})
