// Captures the golden files of the codec tests from ipvsadm and nft, with strace, on a real kernel:
//   npm run golden            boots the lab and runs this file there; writes to test/codec/golden
// Each file is one netlink message, sent by the tool or by the kernel: annotated hex, for IPVS in the format of the debug
// dump. Sequence number and port are zeroed, the family number is the capturing kernel's.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'

import { attributesOf, messages as nftMessages } from './nft-attributes.mjs'

const folder = process.argv[2]
if (!folder) throw new Error('usage: capture-golden.mjs FOLDER')
const { describe } = createRequire(import.meta.url)('../build/Release/ipvs.node')

const NEW_SERVICE = 1,
  SET_SERVICE = 2,
  DEL_SERVICE = 3,
  NEW_DEST = 5,
  SET_DEST = 6,
  DEL_DEST = 7
const vip = '172.16.0.100',
  v6 = '[2001:db8::100]'
// name, command line, command of the message to keep: the first request, or with 'reply' the first reply
const captures = [
  ['add-service-mark', '-A -f 7 -s rr', NEW_SERVICE],
  ['add-service-mark-persistent', '-A -f 21 -s wlc -p 540 -M 255.255.255.0', NEW_SERVICE],
  ['add-service-mark-ipv6', '-A -f 7 -6 -s rr -p 360 -M 64', NEW_SERVICE],
  ['add-service-tcp', `-A -t ${vip}:80 -s wrr`, NEW_SERVICE],
  ['add-service-udp-ipv6-one-packet', `-A -u ${v6}:53 -s sh -o -b sh-port`, NEW_SERVICE],
  ['add-service-engine', `-A -u ${vip}:5060 -s rr -p 60 --pe sip`, NEW_SERVICE],
  ['edit-service', '-E -f 7 -s rr -p 3600', SET_SERVICE],
  ['add-destination-direct', '-a -f 7 -r 10.0.0.7 -g', NEW_DEST],
  ['add-destination-masquerade', `-a -t ${vip}:80 -r 10.0.0.7:8080 -m -w 5 -x 100 -y 50`, NEW_DEST],
  ['add-destination-tunnel-gue', '-a -f 7 -r 10.0.0.17 -i --tun-type gue --tun-port 6080 --tun-csum', NEW_DEST],
  ['add-destination-ipv6', `-a -u ${v6}:53 -r [2001:db8::7]:53 -g`, NEW_DEST],
  ['edit-destination', '-e -f 7 -r 10.0.0.7 -g -w 0', SET_DEST],
  ['list-destination-direct', '-L -n -f 7', NEW_DEST, 'reply'],
  ['list-service-mark', '-L -n -f 7', NEW_SERVICE, 'reply'],
  ['list-service-tcp', `-L -n -t ${vip}:80`, NEW_SERVICE, 'reply'],
  ['list-service-ipv6', `-L -n -u ${v6}:53`, NEW_SERVICE, 'reply'],
  ['remove-destination', '-d -f 7 -r 10.0.0.7', DEL_DEST],
  ['remove-service', '-D -f 7', DEL_SERVICE],
]

/** The datagrams in a log of strace, with their direction. */
function datagrams(log) {
  const found = []
  let current
  for (const line of log.split('\n')) {
    const call = /^(sendmsg|recvmsg)\(/.exec(line)
    if (call) current = undefined
    if (call) found.push((current = { sent: call[1] === 'sendmsg', hex: '' }))
    const dump = /^ \| [0-9a-f]+  ((?:[0-9a-f]{2} {1,2})+)/.exec(line)
    if (dump && current) current.hex += dump[1].replaceAll(' ', '')
  }
  return found.map(({ sent, hex }) => ({ sent, bytes: Buffer.from(hex, 'hex') }))
}

function* messages(bytes) {
  for (let at = 0; at + 16 <= bytes.length;) {
    const length = bytes.readUInt32LE(at)
    if (length < 16 || at + length > bytes.length) return
    yield bytes.subarray(at, at + length)
    at += (length + 3) & ~3
  }
}

const hex = (bytes) => bytes.toString('hex').replace(/..(?=.)/g, '$& ')

function render(commandLine, message) {
  message = Buffer.from(message)
  message.fill(0, 8, 16)
  return [
    `# ipvsadm ${commandLine}`,
    `# Linux ${release()}, ${execFileSync('ipvsadm', ['-v'], { encoding: 'utf8' }).split(' (')[0]}`,
    `${hex(message.subarray(0, 4))}  # length ${message.readUInt32LE(0)}`,
    `${hex(message.subarray(4, 6))}  # type: the family's number`,
    `${hex(message.subarray(6, 8))}  # flags`,
    `${hex(message.subarray(8, 12))}  # sequence number`,
    `${hex(message.subarray(12, 16))}  # port`,
    `${hex(message.subarray(16, 20))}  # command ${message[16]}, version ${message[17]}`,
    describe(message.subarray(20)),
  ].join('\n')
}

/** The datagrams of a command line. */
function trace(command, args, input = '') {
  const log = join(tmpdir(), 'golden.strace')
  const options = [
    '-o',
    log,
    '-s',
    '65536',
    '-e',
    'trace=sendmsg,recvmsg',
    '-e',
    'write=all',
    '-e',
    'read=all',
    '-e',
    'verbose=none',
  ]
  execFileSync('strace', [...options, command, ...args], { input, stdio: ['pipe', 'ignore', 'inherit'] })
  return datagrams(readFileSync(log, 'utf8'))
}

function keep(name, text, bytes) {
  writeFileSync(join(folder, `${name}.txt`), text)
  console.log(`${name}: ${bytes} bytes`)
}

for (const family of ['ipvs', 'nft']) mkdirSync(join(folder, family), { recursive: true })
for (const [name, commandLine, command, direction] of captures) {
  const wanted = trace('ipvsadm', commandLine.split(' '))
    .filter(({ sent }) => sent !== (direction === 'reply'))
    .flatMap(({ bytes }) => [...messages(bytes)])
    .filter((message) => message.readUInt16LE(4) > 16 && message[16] === command)
  if (wanted.length === 0) throw new Error(`${name}: nothing captured`)
  keep(`ipvs/${name}`, render(commandLine, wanted[0]), wanted[0].length)
}

// The table of firewall marks in nft's syntax, with our layout.
const table = `table inet ipvs {
  map exact4 { type ipv4_addr . inet_proto . inet_service : mark; elements = { 172.16.0.100 . tcp . 80 : 7, 172.16.0.100 . tcp . 443 : 7 }; }
  map exact4_counted { type ipv4_addr . inet_proto . inet_service : mark; counter; elements = { 172.16.0.100 . tcp . 444 : 7 }; }
  map ranges4 { type ipv4_addr . inet_proto . inet_service : mark; flags interval; elements = { 192.168.1.11 . tcp . 10000-20000 : 21 }; }
  map hosts4 { type ipv4_addr . inet_proto : mark; flags interval; elements = { 172.16.0.101 . 0-255 : 4, 10.1.0.0/16 . tcp : 5 }; }
  map exact6 { type ipv6_addr . inet_proto . inet_service : mark; elements = { 2001:db8::100 . udp . 53 : 9 }; }
  map ranges6 { type ipv6_addr . inet_proto . inet_service : mark; flags interval; elements = { 2001:db8::/64 . sctp . 1-9 comment "all of them" : 3 }; }
  map hosts6 { type ipv6_addr . inet_proto : mark; flags interval; elements = { 2001:db8::101 . 0-255 : 6 }; }
  chain marks {
    meta nfproto ipv4 meta mark set ip daddr . meta l4proto . th dport map @exact4
    meta nfproto ipv4 meta mark set ip daddr . meta l4proto . th dport map @ranges4
    meta nfproto ipv4 meta mark set ip daddr . meta l4proto map @hosts4
    meta nfproto ipv4 meta mark set ip daddr . meta l4proto . th dport map @exact4_counted
    meta nfproto ipv6 meta mark set ip6 daddr . meta l4proto . th dport map @exact6
    meta nfproto ipv6 meta mark set ip6 daddr . meta l4proto . th dport map @ranges6
    meta nfproto ipv6 meta mark set ip6 daddr . meta l4proto map @hosts6
  }
  chain special {
    meta nfproto ipv4 iifname "eth*" ip daddr 10.0.0.5-10.0.0.9 meta mark set meta mark & 0xffffff00 | 0x7
    meta nfproto ipv4 iifname "eth0" ip daddr 172.16.0.100 ip saddr 10.0.0.0/8 meta l4proto tcp th dport 80 counter meta mark set 8 comment "partners"
    meta nfproto ipv6 ip6 daddr 2001:db8::100 ip6 saddr 2001:db8::/44 meta l4proto udp th dport 5000-5100 meta mark set 9
  }
  chain prerouting { type filter hook prerouting priority mangle; policy accept; jump marks; jump special; }
  chain output { type route hook output priority mangle; policy accept; jump marks; jump special; }
  chain srcnat { type nat hook postrouting priority srcnat; policy accept; meta nfproto ipv4 ip saddr 10.0.0.0/24 meta l4proto tcp th sport 20 masquerade; }
  chain dstnat { type nat hook prerouting priority dstnat; policy accept;
    meta nfproto ipv4 ip daddr 172.16.0.100 meta l4proto tcp th dport 80 redirect to :8080
    meta nfproto ipv6 ip6 daddr 2001:db8::100 counter redirect
  }
}
`

function nftLines(nodes, depth) {
  const indent = '  '.repeat(depth)
  return nodes.flatMap(({ name, header, payload, children }) => [
    `${indent}${hex(header)}  # ${name}`,
    ...(children ? nftLines(children, depth + 1) : payload.length > 0 ? [`${indent}  ${hex(payload)}`] : []),
  ])
}

function renderNft(title, message) {
  message = Buffer.from(message)
  message.fill(0, 8, 16)
  const [name, names] = nftMessages[message[4]]
  const version = execFileSync('nft', ['--version'], { encoding: 'utf8' }).split(' (')[0]
  return [
    `# ${title}`,
    `# Linux ${release()}, ${version}`,
    `${hex(message.subarray(0, 4))}  # length ${message.readUInt32LE(0)}`,
    `${hex(message.subarray(4, 6))}  # ${name}`,
    `${hex(message.subarray(6, 8))}  # flags`,
    `${hex(message.subarray(8, 12))}  # sequence number`,
    `${hex(message.subarray(12, 16))}  # port`,
    `${hex(message.subarray(16, 20))}  # family ${message[16]}`,
    ...nftLines(attributesOf(message.subarray(20), names), 0),
    '',
  ].join('\n')
}

const isNft = (message) => message[5] === 10 && nftMessages[message[4]] !== undefined
const sent = trace('nft', ['-f', '-'], table)
  .filter((datagram) => datagram.sent)
  .flatMap(({ bytes }) => [...messages(bytes)])
  .filter(isNft)
const counts = {}
for (const message of sent) {
  const kind = nftMessages[message[4]][0].slice('NFT_MSG_NEW'.length).toLowerCase()
  counts[kind] = (counts[kind] ?? 0) + 1
  keep(`nft/send-${kind}-${counts[kind]}`, renderNft('nft -f, message of its transaction', message), message.length)
}
for (const map of ['exact4', 'exact4_counted', 'ranges4', 'hosts4', 'exact6', 'ranges6', 'hosts6']) {
  const reply = trace('nft', ['list', 'map', 'inet', 'ipvs', map])
    .filter((datagram) => !datagram.sent)
    .flatMap(({ bytes }) => [...messages(bytes)])
    .find((message) => isNft(message) && message[4] === 12)
  keep(`nft/list-${map}`, renderNft(`nft list map inet ipvs ${map}`, reply), reply.length)
}
const rules = trace('nft', ['-a', 'list', 'table', 'inet', 'ipvs'])
  .filter((datagram) => !datagram.sent)
  .flatMap(({ bytes }) => [...messages(bytes)])
  .filter((message) => isNft(message) && message[4] === 6)
for (const [index, rule] of rules.entries()) {
  keep(`nft/list-rule-${index + 1}`, renderNft('nft list table inet ipvs, a rule', rule), rule.length)
}
