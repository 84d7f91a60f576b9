// `ipvs doctor`: IPVS does not answer.
import { constants } from 'node:os'
import { expect, test } from 'vitest'
import { diagnose } from '../../../../cli/doctor/diagnose.ts'
import type { Refusal } from '../../../../cli/doctor/facts.ts'
import type { Finding } from '../../../../cli/doctor/finding.ts'
import { isUserNamespace, listsModule, replacesModule, unitOf, type HostFacts } from '../../../../cli/doctor/host.ts'
import { facts, rule } from './given.ts'

const release = '6.1.0-56-amd64'
const host: HostFacts = {
  release,
  moduleFolders: [release],
  hasModule: true,
  modulesDisabled: false,
  replacedIn: [],
  mayLoad: true,
  userNamespace: false,
}

function refused(code: Refusal['code'], more: Partial<HostFacts> = {}, errno?: number): Finding[] {
  return diagnose(facts({ refused: { code, message: 'no IPVS', errno, host: { ...host, ...more } }, marks: [rule] }))
}
const unavailable = (more: Partial<HostFacts> = {}) => refused('ERR_IPVS_UNAVAILABLE', more)
const denied = (more: Partial<HostFacts> = {}, errno?: number) => refused('ERR_IPVS_PERMISSION_DENIED', more, errno)

test('without IPVS there is one finding only', () => {
  expect(unavailable()).toEqual([
    { level: 'bad', code: 'ipvs-unavailable', what: 'no IPVS', why: 'nothing is balanced', fix: ['modprobe ip_vs'] },
  ])
  expect(unavailable({ mayLoad: false })).toMatchObject([{ code: 'ipvs-unavailable', fix: ['sudo modprobe ip_vs'] }])
})

const bootOnly = ['echo ip_vs > /etc/modules-load.d/ipvs.conf', 'reboot']
const absent = { hasModule: false, moduleFolders: [] }
test.each<[Partial<HostFacts>, string, readonly string[] | undefined]>([
  [{ modulesDisabled: true }, 'modules-disabled', bootOnly],
  [{ ...absent, container: 'docker', modulesDisabled: true }, 'modules-disabled', bootOnly],
  [{ ...absent, container: 'docker' }, 'module-of-host', ['modprobe ip_vs', bootOnly[0] as string]],
  [{ ...absent, moduleFolders: ['6.1.0-60-amd64'] }, 'modules-missing', ['reboot']],
  [absent, 'modules-missing', undefined],
  [{ hasModule: false }, 'kernel-without-ipvs', undefined],
  [{ container: 'docker' }, 'ipvs-unavailable', ['modprobe ip_vs']],
  [
    { replacedIn: ['/etc/modprobe.d/cis.conf'] },
    'module-blocked',
    ["sed -i '/^\\s*install\\s\\+ip[_-]vs\\s/d' /etc/modprobe.d/cis.conf", 'modprobe ip_vs'],
  ],
])('why the module is not there: %o', (more, code, fix) => {
  const [only, ...others] = unavailable(more)
  expect(others).toEqual([])
  expect(only).toMatchObject({ level: 'bad', code })
  expect(only?.fix).toEqual(fix)
})

test('without capabilities', () => {
  expect(denied()).toMatchObject([{ code: 'permission-denied', fix: ['sudo ipvs doctor'] }])
  expect(denied({ userNamespace: true })).toMatchObject([
    { level: 'bad', code: 'user-namespace', what: expect.stringContaining('rootless') as string },
  ])
})

test('a sandbox without netlink', () => {
  const { EAFNOSUPPORT } = constants.errno
  const [inUnit] = denied({ unit: 'director.service', ...absent }, EAFNOSUPPORT)
  expect(inUnit).toMatchObject({
    code: 'netlink-forbidden',
    why: expect.stringContaining('RestrictAddressFamilies= of director.service') as string,
    fix: [
      'mkdir -p /etc/systemd/system/director.service.d',
      "printf '[Service]\\nRestrictAddressFamilies=AF_NETLINK\\n' > /etc/systemd/system/director.service.d/ipvs.conf",
      'systemctl daemon-reload',
      'systemctl restart director.service',
    ],
  })
  expect(denied({}, EAFNOSUPPORT)[0]).toMatchObject({
    code: 'netlink-forbidden',
    why: expect.stringContaining('seccomp') as string,
  })
})

test('facts that are read from the host', () => {
  expect(listsModule('kernel/net/netfilter/ipvs/ip_vs.ko: kernel/lib/libcrc32c.ko\n')).toBe(true)
  expect(listsModule('kernel/a.ko:\nkernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/b.ko.xz\n')).toBe(true)
  expect(listsModule('kernel/net/netfilter/ipvs/ip_vs.ko\n')).toBe(true)
  expect(listsModule('kernel/net/netfilter/ipvs/ip_vs_rr.ko: kernel/x/aip_vs.ko\n')).toBe(false)
  expect(replacesModule('# CIS\ninstall ip_vs /bin/false\n')).toBe(true)
  expect(replacesModule('install ip-vs /bin/true\n')).toBe(true)
  expect(replacesModule('blacklist ip_vs\ninstall ip_vs_rr /bin/false\n#install ip_vs /bin/true\n')).toBe(false)
  expect(unitOf('0::/system.slice/director.service\n')).toBe('director.service')
  expect(unitOf('0::/system.slice/system-web.slice/web@1.service/payload\n')).toBe('web@1.service')
  expect(unitOf('0::/user.slice/user-0.slice/session-1.scope\n')).toBe(undefined)
  expect(isUserNamespace('         0          0 4294967295\n')).toBe(false)
  expect(isUserNamespace('         0       1000          1\n')).toBe(true)
})
