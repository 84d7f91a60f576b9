// The expected results of the rows of docs/ipvsadm.md, by the text of their first cell. Each row is tested in both directions:
// ipvsadm shows the result of our code; we list the result of ipvsadm's command. For read-only rows the other side creates the
// state.

import { expect } from 'vitest'

export interface ExpectedRow {
  /** The state before, in ipvsadm's words and in ours. */
  readonly given?: readonly [commands: string, code: string]
  /** First sends datagrams to the service 172.16.0.100:53 and waits until they are counted. */
  readonly traffic?: true
  /** The row only reads: `shown` is what its command prints, `listed` what its code returns. */
  readonly reads?: true
  /** The command of ipvsadm that shows the result. Default: `ipvsadm -Sn`. */
  readonly via?: string
  readonly shown: RegExp
  readonly listed: unknown
  /** The result of the command if it differs on purpose. */
  readonly differs?: RegExp
}

/** A row without equivalent, and the name that an equivalent would have: a method, or an entry of package.json. */
export interface AbsentRow {
  readonly absent: string
}

type Given = NonNullable<ExpectedRow['given']>

const web = "{ protocol: 'tcp', address: '172.16.0.100', port: 80 }"
const markGiven: Given = ['ipvsadm -A -f 7 -s rr', "ipvs.addService({ fwmark: 7, scheduler: 'rr' })"]
const webGiven: Given = [
  'ipvsadm -A -t 172.16.0.100:80 -s rr',
  `ipvs.addService({ ...${web}, scheduler: 'rr', schedulerFlags: [] })`,
]
const serverGiven: Given = [
  `ipvsadm -A -f 7 -s rr
   ipvsadm -a -f 7 -r 10.0.0.7 -i -w 3 -x 100 -y 50 --tun-type gre`,
  `Promise.all([
     ipvs.addService({ fwmark: 7, scheduler: 'rr' }),
     ipvs.addDestination({ fwmark: 7 }, { address: '10.0.0.7', forwarding: 'tunnel', weight: 3, upperThreshold: 100,
       lowerThreshold: 50, tunnel: { type: 'gre' } })])`,
]
const richGiven: Given = [
  'ipvsadm -A -f 7 -s rr -b flag-1 -p 600 -M 255.255.255.0 -o',
  `ipvs.addService({ fwmark: 7, scheduler: 'rr', schedulerFlags: ['flag-1'], onePacket: true,
     persistence: { timeoutSeconds: 600, netmask: 24 } })`,
]
const trafficGiven: Given = [
  `ipvsadm -A -u 172.16.0.100:53 -s rr -p 60
   ipvsadm -a -u 172.16.0.100:53 -r 172.16.0.101 -m`,
  `Promise.all([
     ipvs.addService({ protocol: 'udp', address: '172.16.0.100', port: 53, scheduler: 'rr', persistence: { timeoutSeconds: 60 } }),
     ipvs.addDestination({ protocol: 'udp', address: '172.16.0.100', port: 53 }, { address: '172.16.0.101', forwarding: 'masquerade' })])`,
]
const daemonGiven: Given = [
  'ipvsadm --start-daemon master --mcast-interface sync0 --syncid 7',
  "ipvs.startSyncDaemon({ role: 'master', interface: 'sync0', syncId: 7 })",
]
const unsortedGiven: Given = [
  `for mark in 8 9 7; do ipvsadm -A -f $mark -s rr; done`,
  "Promise.all([8, 9, 7].map((fwmark) => ipvs.addService({ fwmark, scheduler: 'rr' })))",
]
const twoServersGiven: Given = [
  `ipvsadm -A -f 7 -s rr
   for host in 1 3 2; do ipvsadm -a -f 7 -r 10.0.0.$host; done`,
  `Promise.all([ipvs.addService({ fwmark: 7, scheduler: 'rr' }),
     ...[1, 3, 2].map((host) => ipvs.addDestination({ fwmark: 7 }, { address: '10.0.0.' + host }))])`,
]

const mark = { fwmark: 7, family: 'ipv4', scheduler: 'rr' }
const udp = { protocol: 'udp', address: '172.16.0.100', port: 53, family: 'ipv4', scheduler: 'rr' }
const service = (fields: object): object => ({ services: [{ ...mark, ...fields }] })
const destination = (fields: object): object => service({ destinations: [{ address: '10.0.0.7', port: 0, ...fields }] })
const webDestination = (fields: object): object => ({
  services: [{ protocol: 'tcp', destinations: [{ address: '10.0.0.7', port: 80, ...fields }] }],
})
const daemon = (fields: object): object => ({ daemons: [{ role: 'master', interface: 'sync0', ...fields }] })
const daemons = 'ipvsadm -L --daemon'
const counted = { inPackets: 40n, inBytes: 1360n }

export const commandRows: Readonly<Record<string, ExpectedRow | AbsentRow>> = {
  '-A --add-service': {
    shown: /^-A -t 172\.16\.0\.100:80 -s wlc\n$/,
    listed: { services: [{ protocol: 'tcp', address: '172.16.0.100', port: 80, scheduler: 'wlc' }] },
  },
  '-E --edit-service': {
    given: richGiven,
    shown:
      /^-A -f 7 -s wrr -p 600 -M 255\.255\.255\.0 -o -b flag-1\n$|^-A -f 7 -s wrr -b flag-1 -p 600 -M 255.255.255.0 -o\n$/,
    listed: service({ scheduler: 'wrr', schedulerFlags: [], onePacket: false }),
    differs: /^-A -f 7 -s wrr\n$/,
  },
  '-E -s wrr': {
    given: richGiven,
    shown: /^-A -f 7 -s wrr\n$/,
    listed: service({ scheduler: 'wrr', schedulerFlags: [], onePacket: false }),
  },
  '-D --delete-service': { given: serverGiven, shown: /^$/, listed: { services: [] } },
  '-C --clear': { given: serverGiven, shown: /^$/, listed: { services: [] } },
  '-R --restore': { absent: 'restore' },
  '-S --save': { absent: 'save' },
  '-a --add-server': {
    given: markGiven,
    shown: /-a -f 7 -r 10\.0\.0\.7:0 -g -w 1\n$/,
    listed: destination({ forwarding: 'direct', weight: 1 }),
  },
  '-e --edit-server': {
    given: serverGiven,
    via: 'ipvsadm -Sn; ipvsadm -Ln --thresholds',
    shown: /-r 10\.0\.0\.7:0 -i -w 5 --tun-type gre --tun-nocsum\n[^]*10\.0\.0\.7:0 +100 +50 /,
    listed: destination({ forwarding: 'direct', weight: 5, upperThreshold: 0, lowerThreshold: 0 }),
    differs: /-r 10\.0\.0\.7:0 -g -w 5\n[^]*10\.0\.0\.7:0 +0 +0 /,
  },
  '-e -m -w 5': {
    given: serverGiven,
    via: 'ipvsadm -Sn; ipvsadm -Ln --thresholds',
    shown: /-r 10\.0\.0\.7:0 -m -w 5\n[^]*10\.0\.0\.7:0 +0 +0 /,
    listed: destination({ forwarding: 'masquerade', weight: 5, upperThreshold: 0, lowerThreshold: 0 }),
  },
  '-d --delete-server': {
    given: serverGiven,
    shown: /^-A -f 7 -s rr\n$/,
    listed: service({ destinations: [] }),
  },
  '-L -l --list': {
    given: serverGiven,
    reads: true,
    shown: /^FWM +7 rr\n +-> 10\.0\.0\.7:0 +Tunnel +3 +0 +0 *$/m,
    listed: [{ ...mark, destinations: [{ address: '10.0.0.7', forwarding: 'tunnel', weight: 3 }] }],
  },
  '-L -f 7': {
    given: serverGiven,
    reads: true,
    shown: /^FWM +7 rr\n +-> 10\.0\.0\.7:0 +Tunnel +3 +0 +0 *$/m,
    listed: { ...mark, schedulerFlags: [], onePacket: false },
  },
  '-Z --zero': {
    given: trafficGiven,
    traffic: true,
    via: 'ipvsadm -Ln --stats',
    shown: /^UDP +172\.16\.0\.100:53 +0 +0 +0 +0 +0\n +-> 172\.16\.0\.101:53 +0 +0 +0 +0 +0$/m,
    listed: { services: [{ ...udp, statistics: { connections: 0n, inPackets: 0n, inBytes: 0n } }] },
  },
  '-Z -u': {
    given: trafficGiven,
    traffic: true,
    via: 'ipvsadm -Ln --stats',
    shown: /^UDP +172\.16\.0\.100:53 +0 +0 +0 +0 +0\n +-> 172\.16\.0\.101:53 +0 +0 +0 +0 +0$/m,
    listed: { services: [{ ...udp, statistics: { connections: 0n, inPackets: 0n, inBytes: 0n } }] },
  },
  '--set': {
    via: 'ipvsadm -L --timeout',
    shown: /: 3600 60 30$/m,
    listed: { timeouts: { tcpSeconds: 3600, tcpFinSeconds: 60, udpSeconds: 30 } },
  },
  '--set 0 60 0': {
    via: 'ipvsadm -L --timeout',
    shown: /: 900 60 300$/m,
    listed: { timeouts: { tcpSeconds: 900, tcpFinSeconds: 60, udpSeconds: 300 } },
  },
  '--start-daemon': {
    via: daemons,
    shown: /^master sync daemon \(mcast=sync0, syncid=0, maxlen=1472, group=224\.0\.0\.81, port=8848, ttl=1\)\n$/,
    listed: daemon({ syncId: 0, multicast: { group: '224.0.0.81', port: 8848, ttl: 1 }, maxLength: 1472 }),
  },
  '--stop-daemon': { given: daemonGiven, via: daemons, shown: /^$/, listed: { daemons: [] } },
  '-h --help': { absent: 'help' },

  '--mcast-interface': {
    via: daemons,
    shown: /^backup sync daemon \(mcast=sync0, syncid=0, maxlen=\d+, group=224\.0\.0\.81, port=8848, ttl=1\)\n$/,
    listed: daemon({ role: 'backup', syncId: 0 }),
  },
  '--syncid': { via: daemons, shown: /syncid=5,/, listed: daemon({ syncId: 5 }) },
  '--sync-maxlen': { via: daemons, shown: /maxlen=1400,/, listed: daemon({ maxLength: 1400 }) },
  '--mcast-group': {
    via: daemons,
    shown: /group=224\.0\.1\.81,/,
    listed: daemon({ multicast: { group: '224.0.1.81' } }),
  },
  '--mcast-port': { via: daemons, shown: /port=9000,/, listed: daemon({ multicast: { port: 9000 } }) },
  '--mcast-ttl': { via: daemons, shown: /ttl=3\)/, listed: daemon({ multicast: { ttl: 3 } }) },

  '-c --connection': {
    given: trafficGiven,
    traffic: true,
    reads: true,
    shown: /^UDP +\d\d:\d\d +UDP +172\.16\.0\.\d+:\d+ +172\.16\.0\.100:53 +172\.16\.0\.101:53$/m,
    listed: expect.arrayContaining([
      expect.objectContaining({
        protocol: 'udp',
        virtual: { address: '172.16.0.100', port: 53 },
        destination: { address: '172.16.0.101', port: 53 },
        template: false,
      }),
    ]),
  },
  '--timeout': {
    given: ['ipvsadm --set 1000 100 50', 'ipvs.setTimeouts({ tcpSeconds: 1000, tcpFinSeconds: 100, udpSeconds: 50 })'],
    reads: true,
    shown: /^Timeout \(tcp tcpfin udp\): 1000 100 50$/m,
    listed: { tcpSeconds: 1000, tcpFinSeconds: 100, udpSeconds: 50 },
  },
  '--daemon': {
    given: daemonGiven,
    reads: true,
    shown: /^master sync daemon \(mcast=sync0, syncid=7,/,
    listed: [{ role: 'master', interface: 'sync0', syncId: 7 }],
  },
  '--stats': {
    given: trafficGiven,
    traffic: true,
    reads: true,
    shown: /^UDP +172\.16\.0\.100:53 +\d+ +40 +\d+ +1360 +\d+\n +-> 172\.16\.0\.101:53 +\d+ +40 +\d+ +1360 /m,
    listed: [{ ...udp, statistics: counted }],
  },
  '--rate': {
    given: trafficGiven,
    traffic: true,
    reads: true,
    shown: /^UDP +172\.16\.0\.100:53 +[1-9]\d* +[1-9]\d* +\d+ +[1-9]\d* /m,
    listed: [udp], // the test also checks for rates above 0
  },
  '--exact': {
    given: trafficGiven,
    traffic: true,
    reads: true,
    shown: /^ +-> 172\.16\.0\.101:53 +\d+ +40 +\d+ +1360 /m,
    listed: [{ address: '172.16.0.101', statistics: counted }],
  },
  '--thresholds': {
    given: serverGiven,
    reads: true,
    shown: /^ +-> 10\.0\.0\.7:0 +100 +50 +0 +0 *$/m,
    listed: [{ address: '10.0.0.7', upperThreshold: 100, lowerThreshold: 50 }],
  },
  '--persistent-conn': {
    given: trafficGiven,
    traffic: true,
    reads: true,
    shown: /^ +-> 172\.16\.0\.101:53 +1 +1 +0 +\d+ *$/m,
    listed: [{ address: '172.16.0.101', persistentConnections: 1, activeConnections: 0 }],
  },
  '--tun-info': {
    given: serverGiven,
    reads: true,
    shown: /^ +-> 10\.0\.0\.7:0 +Tunnel +gre:-c +3 +0 +0 *$/m,
    listed: [{ address: '10.0.0.7', tunnel: { type: 'gre', checksum: 'none' } }],
  },
  '--nosort': {
    given: twoServersGiven,
    reads: true,
    shown: /10\.0\.0\.2:0[^]*10\.0\.0\.3:0[^]*10\.0\.0\.1:0/,
    listed: [{ address: '10.0.0.2' }, { address: '10.0.0.3' }, { address: '10.0.0.1' }],
  },
  '--sort': {
    given: unsortedGiven,
    reads: true,
    shown: /FWM +7 rr\nFWM +8 rr\nFWM +9 rr/,
    listed: [{ fwmark: 7 }, { fwmark: 8 }, { fwmark: 9 }],
  },
  '-n --numeric': {
    given: webGiven,
    reads: true,
    shown: /^TCP +172\.16\.0\.100:80 rr$/m,
    listed: [{ protocol: 'tcp', address: '172.16.0.100', port: 80 }],
  },
}

export { destination, markGiven, service, webDestination, webGiven }
