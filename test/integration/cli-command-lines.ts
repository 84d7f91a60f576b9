// Command lines for ipvsadm and `ipvs adm`: chosen ones, and random combinations of options.
import { Random, randomTable } from './configurations.ts'
import { destinationLine, serviceLine } from './renderings.ts'

/** A command line with its standard input. */
export interface CommandLine {
  readonly words: readonly string[]
  readonly input?: string
}

/** Read-only lines. Most are numeric: the lab has no name servers, so lookups time out. */
export const reading: readonly string[] = [
  '-Ln',
  '-ln',
  '--list --numeric',
  '-L -n --stats',
  '-Ln --stats --exact',
  '-Ln --rate',
  '-Ln --rate --exact --nosort',
  '-Ln --persistent-conn',
  '-Ln --tun-info',
  '-Ln --thresholds',
  '-Ln --nosort',
  '-Ln --sort',
  '-Lnc',
  '-Lnc --persistent-conn',
  '-L --timeout',
  '-L --daemon',
  '-Ln -f 7',
  '-L -t 172.16.0.100:http -n',
  '-Ln -u [2001:db8::53]:53 --stats',
  '-Ln -f 4711',
]

const add = [
  '-A -t 172.16.0.100:80 -s rr',
  '-A -f 7 -s wlc -p',
  '-A -u [2001:db8::53]:53',
  '-A -f 7 -6 -s sh -b sh-port',
]

/** Lines that change something, fail, or are invalid, in a meaningful order. */
export const changing: readonly (string | readonly [string, string])[] = [
  ...add,
  ...add, // fails: they exist
  '-A --sctp-service 172.16.0.100:2905 -s lblcr',
  '-A -t localhost:http',
  '-A -t 172.16.0.100:0 -p 300 -M 255.255.255.0',
  '-A -t 172.16.0.100:0',
  '-A -u 172.16.0.100:domain -o',
  '-A -t 172.16.0.100:81 -o',
  '-A -u 172.16.0.100:5060 -p 60 --pe sip',
  '-A -f 8 -s nonesuch',
  '-A -f 9 -p -M 64 -6',
  '-A -f 0',
  '-a -t 172.16.0.100:80 -r 10.0.0.7 -m',
  '-a -t 172.16.0.100:80 -r 10.0.0.7 -m',
  '-a -t 172.16.0.100:80 -r 10.0.0.8:8080 -m -w 5 -x 100 -y 50',
  '-a -t 172.16.0.100:80 -r 10.0.0.9 -i --tun-type gue --tun-port 6080 --tun-csum',
  '-a -t 172.16.0.100:80 -r 10.0.0.10 -i --tun-type gre',
  '-a -t 172.16.0.100:80 -r [2001:db8::9]:80 -i',
  '-a -t 172.16.0.100:80 -r [2001:db8::9]:80 -m',
  '-a -t 172.16.0.100:80 -r 224.0.0.1 -m',
  '-a -t 172.16.0.100:80 -r 10.0.0.11 -x 5 -y 6',
  '-a -f 7 -r 10.0.0.7 -w 0',
  '-a -f 7 -6 -r [2001:db8::7]:0',
  '-a -f 4711 -r 10.0.0.7',
  '-e -t 172.16.0.100:80 -r 10.0.0.8:8080 -m',
  '-e -t 172.16.0.100:80 -r 10.0.0.77 -m',
  '-e -f 4711 -r 10.0.0.7',
  '-E -f 7 -s wrr',
  '-E -f 4711',
  '-E -t 172.16.0.100:80 -s mh -b mh-port,mh-fallback -p 30',
  '-d -t 172.16.0.100:80 -r 10.0.0.7',
  '-d -t 172.16.0.100:80 -r 10.0.0.7',
  '-d -f 4711 -r 10.0.0.7',
  '-Z',
  '-Z -f 7',
  '-Z -f 4711',
  '--set 800 60 30',
  '--set 0 61 0',
  '--set 1 2',
  '--start-daemon master --mcast-interface lo --syncid 5',
  '--start-daemon master --mcast-interface lo',
  '--start-daemon backup --mcast-interface nonesuch',
  '--stop-daemon master',
  '--stop-daemon master',
  ['-R', 'ipvsadm -A -f 100 -s rr\n\n  -a -f 100 -r 10.0.0.1 -g\n-A -f 101\n'],
  ['-R', '-A -f 102\n-A -f x\n-A -f 103\n'],
  ['-R', '-A -f 104\n-A -f 104\n'],
  ['-R', '-A -f 105\n-A -f 106 --nonesuch\n'],
  ['-R', '-A -f 107 extra\n'],
  ['-R', ''],
  '-D -f 100',
  '-D -f 100',
  '-D -t 172.16.0.100:80',
  '-C -n',
  '-Q',
  '--clear extra',
  '-CZ',
  '-A',
  '-L --stats=5',
]

const options: readonly string[] =
  '-n|-c|-s rr|-p|-p 30|-M 255.255.255.0|-r 10.0.0.1|-r [::1]:81|-m|-i|-g|-w 5|-w x|-x 9|-y 3|--tun-type gre|--tun-port 5|--tun-csum|--mcast-interface lo|--timeout|--daemon|--stats|--rate|--thresholds|--persistent-conn|--nosort|--syncid 3|--exact|-o|--pe sip|-b flag-1|-b sh-port|-6|--mcast-ttl 3|--sync-maxlen 5|extra|-t 10.1.1.1:80|-u 10.1.1.1:53|-f 3|-f zero|--nonesuch|-L|-x'.split(
    '|',
  )
const commands =
  '-A|-E|-D|-C|-a|-e|-d|-L|-S|-Z|-Ln|--set 5 6 7|--start-daemon master|--stop-daemon backup|-nL|-h'.split('|')

const wordsOf = (line: string): string[] => line.split(' ').filter((word) => word !== '')

/** Random lines: valid ones that build a table, and random commands with random options. */
export function randomLines(seed: number, count: number, schedulers: readonly string[]): CommandLine[] {
  const random = new Random(seed)
  // Marks above 2147483647 are negative to ipvsadm: docs/ipvsadm.md.
  const table = randomTable(random, 20, schedulers).filter(({ key }) => !('fwmark' in key && key.fwmark > 0x7fffffff))
  const valid = table.flatMap((service) => [
    serviceLine('-A', service),
    ...service.destinations.map((destination) => destinationLine('-a', service, destination)),
  ])
  const pick = (from: readonly string[]): string => from[random.upTo(from.length - 1)] as string
  const wild = Array.from({ length: count }, () => {
    const words = [pick(commands)]
    for (let more = random.upTo(4); more > 0; more--) words.push(pick(options))
    return words.join(' ')
  })
  return [...valid, ...wild].map((line) => ({ words: wordsOf(line) }))
}

/** The chosen lines that change something. */
export function changingLines(): CommandLine[] {
  return changing.map((line) =>
    typeof line === 'string' ? { words: wordsOf(line) } : { words: wordsOf(line[0]), input: line[1] },
  )
}

/** The chosen read-only lines. */
export function readingLines(): CommandLine[] {
  return reading.map((line) => ({ words: wordsOf(line) }))
}

const addresses: readonly string[] = [
  ['10.0.0.1:80', '10.0.0.1 :80', '10.0.0.1: 80', '10.0.0.1:80 ', ' 10.0.0.1:80', '10.0.0.2\t:80', '10.0.0.3 x:80'],
  ['10.0.0.1:+80', '10.0.0.1:0x50', '10.0.0.1:080', '10.0.0.1:', '10.0.0.1:80:90', '10.0.0.4: http', '10.0.0.4:http '],
  ['0.0.0.0:80', '0:80', '10:80', '0x0a000001:81', '10.0.0.1.:80', '10.0.0.256:80', '255.255.255.255:80'],
  ['224.0.0.1:80', '', ' ', ':80', '[fd00::1]:80', '[fd00::1] :80', '[fd00::2]: 80', '[ fd00::1]:80', '[fd00::1 ]:80'],
  [
    '[::1.2.3.4]:80',
    '[::0.1.0.100]:80',
    '[::1:64]:81',
    '[::10.0.0.0]:80',
    '[::64]:80',
    '[::]:80',
    '[64:ff9b::1.2.3.4]:80',
  ],
  ['[::ffff:10.0.0.1]:80', '::ffff:10.0.0.1', '[::ffff:0:10.0.0.1]:80', '[fe80::1]:80', '[fe80::1%lo]:80'],
  ['[1:0:0:2::]:80', '[0:0:1::]:80', '[::2:3:4]:80'],
].flat()
const masks: readonly string[] = [
  [
    '255.255.255.0',
    '255.0.255.0',
    '0.0.0.0',
    '0.0.0.255',
    '128',
    '24',
    '0',
    '1.2.3',
    '0x80',
    '0xffffff00',
    '0xff.0xff',
  ],
  ['255.255.255.0 ', ' 255.255.255.0', '255.255.255.0 x', '-1', '300.0.0.0', 'ffff::'],
].flat()
const lengths: readonly string[] = ['64', '0', '128', '129', ' 64', '64x', '0x40', '255.0.0.0', '-1', '']
const servers: readonly string[] = [
  '10.0.2.2:80',
  '10.0.2.3',
  '10.0.2.4 :80',
  '10.0.2.5: 80',
  '0.0.0.0:80',
  '224.0.0.1:80',
]
const servers6: readonly string[] = [
  [
    '[fd00::2]:80',
    '[fd00::3]',
    '[::1.2.3.4]:80',
    '[::1:64]:0',
    '[::ffff:10.0.0.7]:80',
    '[fe80::7]:80',
    '[::1]:80',
    '[::]:80',
  ],
].flat()

/** Unusual spellings of addresses, ports and masks, which the C library may accept or not. */
export function spellings(): CommandLine[] {
  const own = masks.flatMap((mask, index) => {
    const service = ['-A', '-t', `10.5.0.1:${100 + index}`, '-s', 'rr']
    return [
      [...service, '-p', '60', '-M', mask],
      ['-A', '-f', String(100 + index), '-M', mask],
    ]
  })
  const lines = [
    ...addresses.map((address) => ['-A', '-t', address, '-s', 'rr']),
    ...own,
    ...lengths.map((length, index) => ['-A', '-t', `[fd00::5]:${100 + index}`, '-p', '-M', length]),
    ['-A', '-f', '7', '-s', 'rr'],
    ['-A', '-f', '8', '-6', '-s', 'rr'],
    ['-A', '-f', '9', '-s', 'rr', '--pe', 'sip'],
    ['-A', '-t', '10.6.0.1:5060', '-p', '--pe', 'sip'],
    ['-A', '-t', '10.6.0.1:5061', '-p', '0'],
    ...servers.flatMap((server) => ['-g', '-i', '-m'].map((how) => ['-a', '-f', '7', '-r', server, how])),
    ...servers.flatMap((server) => ['-g', '-i', '-m'].map((how) => ['-a', '-t', '10.0.0.1:80', '-r', server, how])),
    ...servers6.map((server) => ['-a', '-f', '8', '-6', '-r', server, '-g']),
    ['-d', '-t', '[::ffff:10.0.0.1]:80', '-r', '[fd00::1]:80'],
    ['-D', '-t', '[::ffff:10.0.0.1]:80'],
    ['-D', '-t', '0.0.0.0:80'],
    ['-S', '-n'],
  ]
  return lines.map((words) => ({ words }))
}
