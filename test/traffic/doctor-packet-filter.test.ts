// `ipvs doctor` and firewalls that drop packets of a service: traffic stops, the finding names the rule, and the fix restores
// traffic.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'
import { complaints, type Course, type Illness, type Look } from './ward.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

const nft = (text: string): string => `nft -f - <<'END'\n${text}\nEND`
const filter = (chains: string): string => nft(`table inet filter {\n${chains}\n}`)
const open = `chain input { type filter hook input priority filter; policy accept; }`

interface Case extends Illness {
  readonly code: string
}

// Rules of common firewalls: a table as in /etc/nftables.conf, chains of ufw, Docker's FORWARD, firewalld's reject.
const cases: Readonly<Record<string, Case>> = {
  'policy drop at input': {
    code: 'input-drops',
    make: filter(`chain input {
      type filter hook input priority filter; policy drop
      iifname lo accept
      ct state vmap { established : accept, related : accept, invalid : drop }
      tcp dport { 22, 8000-8100 } accept
      meta l4proto { icmp, ipv6-icmp } accept
    }`),
    undo: 'nft delete table inet filter',
  },
  'chains of ufw': {
    code: 'input-drops',
    make: `iptables-nft -N ufw-before-input; iptables-nft -N ufw-user-input; iptables-nft -N ufw-after-input
      iptables-nft -A INPUT -j ufw-before-input; iptables-nft -A INPUT -j ufw-after-input
      iptables-nft -A ufw-before-input -i lo -j ACCEPT
      iptables-nft -A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      iptables-nft -A ufw-before-input -m conntrack --ctstate INVALID -j DROP
      iptables-nft -A ufw-before-input -p icmp -j ACCEPT
      iptables-nft -A ufw-before-input -j ufw-user-input
      iptables-nft -A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
      iptables-nft -A ufw-after-input -p udp -m udp --dport 137 -j RETURN
      iptables-nft -P INPUT DROP`,
    undo: 'nft delete table ip filter',
  },
  'a reject at the end, as in firewalld': {
    code: 'input-drops',
    make: filter(`chain zone { tcp dport 22 ct state { new, untracked } accept; }
      chain input {
        type filter hook input priority filter + 10; policy accept
        ct state { established, related } accept
        ct status dnat accept
        iifname lo accept
        goto zone_front
      }
      chain zone_front { jump zone
        reject with icmpx admin-prohibited
      }`).replace('chain zone {', 'chain zone {\n'),
    undo: 'nft delete table inet filter',
  },
  'Docker’s policy at forward': {
    code: 'forward-drops',
    make: `iptables-nft -N DOCKER; iptables-nft -N DOCKER-USER
      iptables-nft -A DOCKER-USER -j RETURN
      iptables-nft -A FORWARD -j DOCKER-USER
      iptables-nft -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      iptables-nft -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
      iptables-nft -P FORWARD DROP`,
    undo: 'nft delete table ip filter',
  },
  'replies of known connections only': {
    code: 'answers-untracked',
    make: filter(`${open}
      chain forward {
        type filter hook forward priority filter; policy drop
        ct state established,related accept
      }`),
    undo: 'nft delete table inet filter; sysctl -qw net.ipv4.vs.conntrack=0',
  },
  'policy drop at output': {
    code: 'output-drops',
    make: filter(`chain output {
      type filter hook output priority filter; policy drop
      oifname lo accept
      ct state established,related accept
    }`),
    undo: 'nft delete table inet filter',
  },
}

// Firewalls that accept all packets of the service.
const sound = `${filter(`chain input {
    type filter hook input priority filter; policy drop
    ct state vmap { established : accept, related : accept, invalid : drop }
    ip daddr 172.16.0.100 tcp dport { 80, 443 } accept
    ip6 nexthdr ipv6-icmp accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop
    ip saddr 10.0.0.0/24 accept
  }`)}
  iptables-nft -A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT
  iptables-nft -A INPUT -m limit --limit 1000/s -j ACCEPT
  iptables-nft -P INPUT DROP`

describe('with masquerade', () => {
  let seen: { readonly courses: Readonly<Record<string, Course>>; readonly sound: Look }

  beforeAll(async () => {
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
        await director.balance({ protocol: 'tcp', address: '172.16.0.100', port: 80, scheduler: 'rr' }, 'masquerade')
        await director.close()
        const ward = new Ward(context, site, ['http://172.16.0.100/'])
        await ward.sh('sysctl -qw net.ipv4.vs.expire_nodest_conn=1')
        const courses: Record<string, Course> = {}
        for (const [name, illness] of Object.entries(given.cases)) courses[name] = await ward.treat(illness)
        await ward.sh(given.sound)
        return { courses, sound: await ward.look() }
      },
      { cases, sound },
      { timeoutMs: 560_000 },
    )
  }, 600_000)

  test.each(Object.entries(cases))('%s', (name, { code }) => {
    const { before, broken, healed } = seen.courses[name] as Course
    expect(before.replies).toEqual(['server-7 172.16.0.50'])
    expect(complaints(before)).toEqual([])
    expect(broken.replies).toEqual([])
    expect(broken.findings[0]).toMatchObject({ level: 'bad', code })
    expect(healed.replies).toEqual(['server-7 172.16.0.50'])
    expect(complaints(healed)).toEqual([])
  })

  test('firewalls that accept the service: no finding', () => {
    expect(seen.sound.replies).toEqual(['server-7 172.16.0.50'])
    expect(complaints(seen.sound)).toEqual([])
  })
})
