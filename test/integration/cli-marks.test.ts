// `ipvs marks` on a real kernel: the resulting table in nft.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { runProgram as RunProgram } from '../../cli/verbs/program.ts'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

/** Words of our program, or a line for the shell. */
type Command = readonly string[] | string

/**
 * Runs commands one after the other in a new namespace. Returns their outputs, with the status first unless it is 0. The standard
 * input of each is the last non-empty output.
 */
async function written(commands: readonly Command[]): Promise<string[]> {
  return lab.run(async ({ import: load, netns, sh }, all) => {
    const { runProgram } = await load<{ runProgram: typeof RunProgram }>('./out/cli/verbs/program.js')
    const { Readable } = await load<typeof import('node:stream')>('node:stream')
    const place = await netns()
    const results: string[] = []
    const program = async (words: readonly string[]) => {
      let text = ''
      const out = (more: string) => void (text += more)
      const output = {
        out,
        error: out,
        terminal: false,
        input: Readable.from([results.findLast((each) => each !== '') ?? '']),
      }
      const status = await runProgram([...words, '--netns', place.name], output)
      return status === 0 ? text : `${status} ${text}`
    }
    for (const each of all) {
      results.push(typeof each === 'string' ? await sh(each, { netns: place }) : await program(each))
    }
    return results
  }, commands)
}

const ipvs = (line: string, ...more: string[]): string[] => [...line.split(' '), ...more]
const web = ipvs('7 172.16.0.100 tcp 80,1000-2000 --counter --comment', 'the web')
const chosen = ipvs('8 172.16.0.100 tcp 80 --source 10.0.0.0/8 --interface eth* --mask 0xff')
const masquerade = ipvs('masquerade 10.0.0.0/24 tcp 20 --counter')
const redirect = ipvs('redirect 172.16.0.100 tcp 80 --to-port 8080 --interface eth0')

test('rules are added, listed, and removed by the same arguments', async () => {
  const [, , , table, list, json, , , , gone] = await written([
    ipvs('marks add', ...web),
    ipvs('marks add', ...chosen),
    ipvs('marks add 9 172.16.0.101 all'),
    'nft list table inet ipvs',
    ipvs('marks list'),
    ipvs('marks list --json'),
    ipvs('marks remove', ...web),
    ipvs('marks remove', ...chosen),
    ipvs('marks remove 9 172.16.0.101 all'),
    ipvs('marks list'),
  ])
  for (const line of [
    '172.16.0.100 . tcp . 80 counter packets 0 bytes 0 comment "the web" : 0x00000007',
    '172.16.0.101 . 0-255 : 0x00000009',
    'iifname "eth*"',
    'ip saddr 10.0.0.0/8',
  ]) {
    expect(table).toContain(line)
  }
  expect(list).toBe(`MARK  MASK  ADDRESS       PROTOCOL  PORTS         SOURCE      INTERFACE  PACKETS  BYTES  COMMENT
   7        172.16.0.100  tcp       80,1000-2000                               0      0  the web
   8  0xff  172.16.0.100  tcp       80            10.0.0.0/8  eth*
   9        172.16.0.101  all       all
`)
  expect(JSON.parse(json ?? '')).toMatchObject([
    { mark: 7, ports: [80, '1000-2000'], counter: true, packets: 0, bytes: 0 },
    { mark: 8, mask: 255, source: '10.0.0.0/8', interface: 'eth*' },
    { mark: 9, protocol: 'all', ports: 'all' },
  ])
  expect(gone).toBe('MARK  ADDRESS  PROTOCOL  PORTS  COMMENT\n')
})

test('the JSON of list is valid input of replace', async () => {
  const seen = await written([
    ipvs('marks add', ...web),
    ipvs('marks add', ...chosen),
    ipvs('marks list --json'),
    'nft delete table inet ipvs',
    ipvs('marks replace'),
    ipvs('marks list --json'),
  ])
  const [listed, ...rest] = seen.slice(2)
  expect(listed).toContain('the web')
  expect(rest).toEqual(['', '', listed])
})

test('rules that translate addresses', async () => {
  const [, , table, list, json, , , gone] = await written([
    ipvs('marks nat add', ...masquerade),
    ipvs('marks nat add', ...redirect),
    'nft list table inet ipvs',
    ipvs('marks nat list'),
    ipvs('marks nat list --json'),
    ipvs('marks nat remove', ...masquerade),
    ipvs('marks nat remove', ...redirect),
    ipvs('marks nat list --json'),
  ])
  expect(table).toContain('type nat hook postrouting priority srcnat')
  expect(table).toContain('redirect to :8080')
  expect(list)
    .toBe(`ACTION      SOURCE       SOURCE-PORTS  ADDRESS       PROTOCOL  PORTS  TO-PORT  INTERFACE  PACKETS  BYTES
masquerade  10.0.0.0/24  20                          tcp                                        0      0
redirect                               172.16.0.100  tcp       80        8080  eth0
`)
  expect(JSON.parse(json ?? '')).toMatchObject([{ action: 'masquerade' }, { action: 'redirect', toPort: 8080 }])
  expect(gone).toBe('[]\n')
})

test('nft loads an export', async () => {
  const seen = await written([
    ipvs('marks add 7 172.16.0.100 tcp 80,443 --counter --comment', 'the web'),
    ipvs('marks nat add', ...masquerade),
    ipvs('marks export'),
    ipvs('marks export /run/marks.nft'),
    'cat /run/marks.nft',
    'nft flush ruleset; nft -f /run/marks.nft',
    ipvs('marks export'),
  ])
  const [text, ...rest] = seen.slice(2)
  expect(text).toContain('172.16.0.100 . tcp . 443')
  expect(rest).toEqual(['', text, '', text])
})

test('rules of iptables, ip6tables and nft come over', async () => {
  const mark = (value: number): string => `-j MARK --set-mark ${value}`
  const seen = await written([
    `iptables -t mangle -A PREROUTING -d 172.16.0.100 -p tcp -m multiport --dports 80,443 ${mark(7)} &&
     iptables -t mangle -A PREROUTING -d 192.168.1.11 -p tcp --dport 10000:20000 ${mark(21)} &&
     iptables -t mangle -A PREROUTING -m conntrack --ctstate NEW ${mark(9)} &&
     iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -p tcp --sport 20 -j MASQUERADE &&
     ip6tables -t mangle -A PREROUTING -d fd00::100 -p udp --dport 53 ${mark(8)}`,
    'iptables-save',
    ipvs('marks import --dry-run'),
    'iptables-save > /run/marks-import',
    ipvs('marks import /run/marks-import'),
    'ip6tables-save',
    ipvs('marks import'),
    'iptables -t mangle -F; ip6tables -t mangle -F; iptables -t nat -F',
    `nft 'add table ip old; add chain ip old pre { type filter hook prerouting priority mangle; }' &&
     nft add rule ip old pre ip daddr 172.16.0.101 tcp dport 25 meta mark set 25`,
    'nft -j list ruleset',
    ipvs('marks import -'),
    ipvs('marks list'),
    ipvs('marks nat list'),
    // Of two families: the kernel is not asked, and the marks are there.
    `printf '*mangle\\n-A PREROUTING -d 10.9.0.1 -p tcp --dport 80 -j MARK --set-mark 9\\nCOMMIT\\n'
     printf '*nat\\n-A POSTROUTING -s 10.0.0.0/24 -d fd00::1 -j MASQUERADE\\nCOMMIT\\n'`,
    ipvs('marks import'),
  ])
  const rules = ['7 172.16.0.100 tcp 80,443', '21 192.168.1.11 tcp 10000-20000', 'masquerade 10.0.0.0/24 tcp 20']
  expect(seen[2]?.split('\n')).toEqual(expect.arrayContaining(rules))
  expect(seen[2]).toContain('not taken over: -m conntrack has no equivalent')
  const listed = (seen.at(-4) ?? '').trimEnd().split('\n').slice(1)
  expect(listed.map((line) => line.trim().split(/ +/).slice(0, 4).join(' ')).toSorted()).toEqual([
    '21 192.168.1.11 tcp 10000-20000',
    '25 172.16.0.101 tcp 25',
    '7 172.16.0.100 tcp 80,443',
    '8 fd00::100 udp 53',
  ])
  expect(seen.at(-3)).toContain('masquerade')
  expect(seen.at(-1)).toMatch(/^1 ipvs: the mark rules were added \(1\), the rules for NAT were not:\nipvs: /)
})

test('marks of other tables, and an unused mark', async () => {
  const seen = await written([
    `nft 'add table inet f; add chain inet f pre { type filter hook prerouting priority 0; }' &&
     nft 'add rule inet f pre meta mark set 2; add rule inet f pre meta mark set ct mark'`,
    ipvs('marks find'),
    ipvs('marks add 1 172.16.0.100 tcp 80'),
    'ipvsadm -A -f 3',
    ipvs('marks allocate'),
    ipvs('marks allocate --from 1 --to 3'),
  ])
  const [heading, ...found] = (seen[1] ?? '').trimEnd().split('\n')
  expect(heading).toBe('MARK  TABLE   CHAIN  RULE')
  expect(found.map((line) => line.replace(/\d+$/, ''))).toEqual([
    '   2  inet f  pre       ',
    '   ?  inet f  pre       ',
  ])
  expect(seen[4]).toBe('4\n')
  expect(seen[5]).toMatch(/^2 ipvs: --to: all marks from 1 to 3 are in use/)
})

test('errors name the fix, and nothing is changed', async () => {
  const seen = await written([
    ipvs('marks add 7 172.16.0.100 tcp'),
    ipvs('marks add 7 172.16.0.100 tcp 80, 443'),
    ipvs('marks add 7 172.16.0.100 all 80'),
    ipvs('marks nat add masquerade 10.0.0.0/24 all 20'),
    'nft list ruleset',
  ])
  expect(seen[0]).toMatch(/^2 ipvs: <ports>: .*a port, a list of ports, or "all"/)
  expect(seen[1]).toMatch(/^2 error: too many arguments/)
  expect(seen[2]).toMatch(/^2 ipvs: <ports>: ports need a protocol/)
  expect(seen[3]).toMatch(/^2 ipvs: <ports>: ports need a protocol/)
  expect(seen[4]).toBe('')
})
