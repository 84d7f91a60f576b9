// `ipvs doctor` on a real kernel: creates each condition, expects its finding, and runs the fix, which must resolve it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Reported } from '../../cli/doctor/doctor.ts'
import type { runProgram as RunProgram } from '../../cli/verbs/program.ts'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

interface Case {
  /** Lines that create the condition, in a namespace with a service, its mark rule and a destination. */
  readonly make: readonly string[]
  /** The expected fix, without the prefix that enters the namespace. */
  readonly fix: string
  readonly level: 'risk' | 'bad'
  /** Commands to run instead of a fix that leads to another finding. */
  readonly instead?: readonly string[]
  /** A sysctl that not every kernel has. */
  readonly needs?: string
}

const masquerade = 'ipvs set destination mark:7 10.0.0.7 --forwarding masquerade'
const cases: Readonly<Record<string, Case>> = {
  'masquerade without forwarding': {
    make: [masquerade, 'sysctl -qw net.ipv4.ip_forward=0'],
    fix: 'sysctl -w net.ipv4.ip_forward=1',
    level: 'bad',
  },
  'the same, IPv6': {
    make: [
      'ipvs add service mark:8/ipv6',
      'ipvs marks add 8 2001:db8::100 tcp 80',
      'ipvs add destination mark:8/ipv6 2001:db8::7 --forwarding masquerade',
      'sysctl -qw net.ipv6.conf.all.forwarding=0',
    ],
    fix: 'sysctl -w net.ipv6.conf.all.forwarding=1',
    level: 'bad',
  },
  'a firewall that tracks connections': {
    make: [
      masquerade,
      'sysctl -qw net.ipv4.ip_forward=1',
      'nft "add table ip t; add chain ip t c { type filter hook forward priority 0; policy drop; }; add rule ip t c ct state established accept"',
    ],
    fix: 'sysctl -w net.ipv4.vs.conntrack=1',
    level: 'bad',
  },
  'strict reverse path filter': {
    make: ['ip link add d0 type dummy && sysctl -qw net.ipv4.conf.d0.rp_filter=1'],
    fix: 'sysctl -w net.ipv4.conf.d0.rp_filter=0', // there is no default route
    level: 'risk',
  },
  'a mark without service': {
    make: ['ipvs marks add 9 172.16.0.9 tcp 80'],
    fix: 'ipvs add service mark:9',
    level: 'bad',
    instead: ['ipvs add service mark:9', 'ipvs add destination mark:9 10.0.0.9'],
  },
  'a service without mark rule': {
    make: ['ipvs add service mark:9', 'ipvs add destination mark:9 10.0.0.9'],
    fix: 'ipvs marks add --help',
    level: 'bad',
    instead: ['ipvs marks add 9 172.16.0.9 tcp 80'],
  },
  'a mask': {
    make: ['ipvs marks remove 7 172.16.0.7 tcp 80', 'ipvs marks add 7 172.16.0.7 tcp 80 --mask 0xff'],
    fix: 'ipvs marks remove 7 172.16.0.7 tcp 80 --mask 0xff && ipvs marks add 7 172.16.0.7 tcp 80',
    level: 'risk',
    instead: ['ipvs add service mark:0x107', 'ipvs add destination mark:0x107 10.0.0.7'],
  },
  'a masquerade rule without forwarding': {
    make: ['ipvs marks nat add masquerade 10.0.0.0/24 tcp 20', 'sysctl -qw net.ipv4.ip_forward=0'],
    fix: 'sysctl -w net.ipv4.ip_forward=1',
    level: 'bad',
  },
  'a service without open destinations': {
    make: ['ipvs add service tcp:172.16.0.9:80', 'ipvs add destination tcp:172.16.0.9:80 10.0.0.9 --weight 0'],
    fix: 'ipvs set destination tcp:172.16.0.9:80 10.0.0.9:80 --weight 1',
    level: 'bad',
    instead: ['ipvs set destination tcp:172.16.0.9:80 10.0.0.9:80 --weight 1'],
  },
  'connections of removed destinations': {
    make: ['sysctl -qw net.ipv4.vs.expire_nodest_conn=0'],
    fix: 'sysctl -w net.ipv4.vs.expire_nodest_conn=1',
    level: 'risk',
  },
  'drained, but persistent': {
    make: [
      'ipvs set service mark:7 --persistence 60',
      'ipvs add destination mark:7 10.0.0.8 --weight 0',
      'sysctl -qw net.ipv4.vs.expire_quiescent_template=0',
    ],
    fix: 'sysctl -w net.ipv4.vs.expire_quiescent_template=1',
    level: 'risk',
  },
  'counters that are not updated': {
    make: ['sysctl -qw net.ipv4.vs.run_estimation=0'],
    needs: 'net.ipv4.vs.run_estimation',
    fix: 'sysctl -w net.ipv4.vs.run_estimation=1',
    level: 'risk',
  },
}

async function tried(given: Pick<Case, 'make' | 'instead' | 'needs'>) {
  return lab.run(async ({ import: load, netns, run, sh }, { make, instead, needs }) => {
    const { runProgram } = await load<{ runProgram: typeof RunProgram }>('./out/cli/verbs/program.js')
    const { Readable } = await load<typeof import('node:stream')>('node:stream')
    const place = await netns()
    const program = async (words: string[]) => {
      let [stdout, stderr] = ['', '']
      const out = (text: string) => void (stdout += text)
      const error = (text: string) => void (stderr += text)
      const output = { out, error, terminal: false, input: Readable.from(['']) }
      return { status: await runProgram([...words, '--netns', place.name], output), stdout, stderr }
    }
    const carryOut = async (lines: readonly string[]) => {
      for (const line of lines) {
        const [first, ...words] = line.split(' ')
        if (first !== 'ipvs') await sh(line, { netns: place })
        else if ((await program(words)).status !== 0) throw new Error(`${line} failed`)
      }
    }
    const doctor = async () => {
      const { status, stdout } = await program(['doctor', '--json'])
      return { status, findings: JSON.parse(stdout) as Reported[] }
    }
    if (needs !== undefined && (await run('sysctl', [needs], { netns: place })).status !== 0) return 'older'
    await carryOut(['ipvs add service mark:7', 'ipvs add destination mark:7 10.0.0.7'])
    await sh('ip route add local 172.16.0.0/24 dev lo; ip route add local 2001:db8::/64 dev lo', { netns: place })
    await carryOut(['ipvs marks add 7 172.16.0.7 tcp 80', 'sysctl -qw net.ipv4.vs.expire_nodest_conn=1'])
    const before = await doctor()
    await carryOut(make)
    const made = await doctor()
    await carryOut(instead ?? [])
    if (instead === undefined) await sh(made.findings[0]?.fix ?? 'false')
    return { before, made, after: await doctor(), name: place.name }
  }, given)
}

test.for(Object.entries(cases))('%s', async ([, { fix, level, ...given }], context) => {
  const seen = await tried(given)
  if (seen === 'older') {
    context.skip(`this kernel has no ${given.needs}`)
    return
  }
  const enter = (line: string) =>
    line.startsWith('sysctl') ? `ip netns exec ${seen.name} ${line}` : `${line} --netns ${seen.name}`
  const outside = fix.split(' && ').map(enter).join(' && ')
  expect(seen.before).toMatchObject({ status: 0, findings: [{ level: 'good' }] })
  expect(seen.made).toMatchObject({ status: level === 'bad' ? 1 : 0, findings: [{ level, fix: outside }] })
  expect(seen.made.findings).toHaveLength(1)
  expect(seen.after).toMatchObject({ status: 0, findings: [{ level: 'good' }] })
})

test('a mark that another table sets, and one that iptables sets', async () => {
  const seen = await lab.run(async ({ netns, run, sh, root }) => {
    const place = await netns()
    await sh(
      `for mark in 8 9 10; do ipvsadm -A -f $mark; ipvsadm -a -f $mark -r 10.0.0.7; done
      nft 'add table ip web; add chain ip web pre { type filter hook prerouting priority mangle; }'
      nft 'add rule ip web pre ip daddr 172.16.0.8 meta mark set 8'
      iptables-nft -t mangle -A PREROUTING -d 172.16.0.9 -j MARK --set-mark 9
      sysctl -qw net.ipv4.vs.expire_nodest_conn=1`,
      { netns: place },
    )
    const { stdout } = await run(process.execPath, [`${root}/dist/cli.cjs`, 'doctor', '--json'], { netns: place })
    return JSON.parse(stdout) as Reported[]
  })
  // Sorted: since Linux 7 the kernel lists services in an order of its own.
  expect(seen.map(({ level, what, why }) => [level, what, why].filter(Boolean).join(': ')).toSorted()).toEqual([
    expect.stringMatching(/^bad: no rule sets the mark of mark:10: no packet gets there/),
    expect.stringMatching(/^good: the mark of mark:8 is set by table ip web, chain pre, rule \d+$/),
    expect.stringMatching(/^good: the mark of mark:9 is set by table ip mangle, chain PREROUTING, rule \d+$/),
  ])
})

test('the same findings inside a namespace and from outside', async () => {
  const seen = await lab.run(async ({ netns, run, sh, root }) => {
    const place = await netns()
    await sh('ipvsadm -A -f 7; sysctl -qw net.ipv4.vs.conn_reuse_mode=0 net.ipv4.vs.run_estimation=0 || :', {
      netns: place,
    })
    const words = [`${root}/dist/cli.cjs`, 'doctor', '--json']
    const inside = await run(process.execPath, words, { netns: place })
    const outside = await run(process.execPath, [...words, '--netns', place.name])
    const prefix = new RegExp(`ip netns exec ${place.name} | --netns ${place.name}`, 'g')
    return { inside, outside: { ...outside, stdout: outside.stdout.replace(prefix, '') } }
  })
  expect(seen.inside.stdout).toContain('conn_reuse_mode')
  expect(seen.outside).toEqual(seen.inside)
})

test('without privileges, and in a user namespace', async () => {
  const seen = await lab.run(async ({ run, root }) => {
    const words = [process.execPath, `${root}/dist/cli.cjs`, 'doctor', '--json']
    const findings = async (program: string, ...before: string[]) => {
      const { status, stdout, stderr } = await run(program, [...before, ...words])
      return { status, stderr, findings: JSON.parse(stdout) as Reported[] }
    }
    return {
      user: await findings('setpriv', '--reuid', '65534', '--clear-groups', '--'),
      namespace: await findings('unshare', '-Urn', '--'),
    }
  })
  expect(seen.user).toMatchObject({ status: 1, findings: [{ level: 'bad', fix: 'sudo ipvs doctor' }] })
  const rootless = expect.stringContaining('user namespace') as string
  expect(seen.namespace).toMatchObject({ status: 1, findings: [{ level: 'bad', what: rootless }] })
})

test('a missing network namespace', async () => {
  const seen = await lab.run(({ run, root }) =>
    run(process.execPath, [`${root}/dist/cli.cjs`, 'doctor', '--netns', 'nowhere']),
  )
  expect(seen).toMatchObject({ status: 1, stdout: '' })
  expect(seen.stderr).toContain('/run/netns/nowhere')
})
