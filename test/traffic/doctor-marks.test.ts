// `ipvs doctor` and packets that lose their mark before IPVS, or never get one: traffic stops, the finding names the rule, and
// the fix restores traffic.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'
import { complaints, type Course, type Illness, type Look } from './ward.ts'

let lab: Lab
const nft = (text: string): string => `nft -f - <<'END'\n${text}\nEND`
const later = (priority: string, rules: string): string =>
  nft(
    `table inet later {\nchain pre {\ntype filter hook prerouting priority ${priority}; policy accept\n${rules}\n}\n}`,
  )
const undo = 'nft delete table inet later'

interface Case extends Illness {
  readonly code: string
}

const cases: Readonly<Record<string, Case>> = {
  'a later chain sets another mark': {
    code: 'mark-overwritten',
    make: later('-140', 'tcp dport 80 meta mark set 9'),
    undo,
  },
  'a later chain adds a bit': {
    code: 'mark-overwritten',
    make: later('-140', 'tcp dport { 80, 443 } meta mark set meta mark or 0x100'),
    undo,
  },
  'a later chain restores the mark of connections': {
    code: 'mark-overwritten',
    make: later('-140', 'counter meta mark set ct mark'),
    undo,
  },
  'a user chain of iptables restores the mark of connections': {
    code: 'mark-overwritten',
    // Of two chains with the same priority the newer one runs first. So our table is loaded again, to be the newer one.
    make: `iptables-nft -t mangle -N VPN; iptables-nft -t mangle -A VPN -j CONNMARK --restore-mark
      iptables-nft -t mangle -A PREROUTING -j VPN
      ipvs marks export /run/all.nft; nft -f /run/all.nft`,
    undo: 'nft delete table ip mangle',
  },
  'the table is dormant': {
    code: 'marks-not-in-effect',
    make: 'nft add table inet ipvs "{ flags dormant; }"',
  },
  'the chains of the table are flushed': { code: 'marks-not-in-effect', make: 'nft flush table inet ipvs' },
  'the base chain is deleted': {
    code: 'marks-not-in-effect',
    make: 'nft flush chain inet ipvs prerouting; nft delete chain inet ipvs prerouting',
  },
  'the ruleset is flushed, and an nft file has the rules': {
    code: 'marks-lost',
    make: 'ipvs marks export /etc/ipvs-marks.nft; nft flush ruleset',
    undo: 'rm /etc/ipvs-marks.nft',
  },
  'the ruleset is flushed, and a saved file has the rules': {
    code: 'marks-lost',
    make: 'ipvs save /etc/ipvs.json; nft flush ruleset',
    undo: 'rm /etc/ipvs.json',
  },
}

// Chains that set marks, but not for packets of the service.
const sound = later(
  '-140',
  'ct mark != 0 meta mark set ct mark\ntcp dport 22 meta mark set 9\nmeta mark 0 meta mark set 5',
)

let seen: { readonly courses: Readonly<Record<string, Course>>; readonly sound: Look; readonly early: Look[] }
beforeAll(async () => {
  lab = await connectKernel()
  seen = await lab.run(
    async (context, given) => {
      const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
      const { buildSite } = await load<typeof import('./topology.ts')>('topology')
      const { serveWeb } = await load<typeof import('./web.ts')>('web')
      const { Director } = await load<typeof import('./director.ts')>('director')
      const { Ward } = await load<typeof import('./ward.ts')>('ward')
      const site = await buildSite(context, 'masquerade', ['server-7'])
      await serveWeb(context, site)
      const director = await Director.open(context, site)
      await director.mark({ mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, '440-443'] })
      await director.balance({ fwmark: 7 }, 'masquerade')
      await director.close()
      const ward = new Ward(context, site, ['http://172.16.0.100/'])
      await ward.sh('sysctl -qw net.ipv4.vs.expire_nodest_conn=1')
      const courses: Record<string, Course> = {}
      for (const [name, illness] of Object.entries(given.cases)) courses[name] = await ward.treat(illness)
      await ward.sh(given.sound)
      const soundly = await ward.look()
      await ward.sh(given.undo)
      await ward.sh(given.early)
      const course = await ward.treat({ make: 'true' })
      return { courses, sound: soundly, early: [course.before, course.healed] }
    },
    { cases, sound, undo, early: later('mangle', 'meta mark 7 counter') },
    { timeoutMs: 560_000 },
  )
}, 600_000)
afterAll(() => lab.close())

test.each(Object.entries(cases))('%s', (name, { code }) => {
  const { before, broken, healed } = seen.courses[name] as Course
  expect(before.replies).toEqual(['server-7 172.16.0.50'])
  expect(complaints(before)).toEqual([])
  expect(broken.replies).toEqual([])
  expect(broken.findings[0]).toMatchObject({ level: 'bad', code })
  expect(healed.replies).toEqual(['server-7 172.16.0.50'])
  expect(complaints(healed)).toEqual([])
})

test('marks of other tables on other packets: no finding', () => {
  expect(seen.sound.replies).toEqual(['server-7 172.16.0.50'])
  expect(complaints(seen.sound)).toEqual([])
})

test('a newer chain of the same priority matches the mark too early', () => {
  const [before, healed] = seen.early
  expect(before?.findings.map(({ code }) => code)).toEqual(['mark-asked-early'])
  expect(healed && complaints(healed)).toEqual([])
})
