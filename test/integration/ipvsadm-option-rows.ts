// The rows of docs/ipvsadm.md about options of services and destinations. See ipvsadm-rows.ts.
import { destination, markGiven, service, webDestination, webGiven, type ExpectedRow } from './ipvsadm-rows.ts'

const address = (fields: object): object => ({ services: [{ address: '172.16.0.100', scheduler: 'rr', ...fields }] })

const serviceRows: Readonly<Record<string, ExpectedRow>> = {
  '-t --tcp-service': {
    shown: /^-A -t \[2001:db8::100\]:443 -s rr\n$/,
    listed: address({ protocol: 'tcp', address: '2001:db8::100', port: 443, family: 'ipv6' }),
  },
  '-u --udp-service': {
    shown: /^-A -u 172\.16\.0\.100:53 -s rr\n$/,
    listed: address({ protocol: 'udp', port: 53, family: 'ipv4' }),
  },
  '--sctp-service': {
    shown: /^-A --sctp-service 172\.16\.0\.100:2905 -s rr\n$/,
    listed: address({ protocol: 'sctp', port: 2905 }),
  },
  '-f --fwmark-service': { shown: /^-A -f 7 -s rr\n$/, listed: service({}) },
  '-6 --ipv6': { shown: /^-A -f 7 -6 -s rr\n$/, listed: service({ family: 'ipv6' }) },
  '-s --scheduler': { shown: /^-A -f 7 -s lblcr\n$/, listed: service({ scheduler: 'lblcr' }) },
  '-b --sched-flags': {
    shown: /^-A -f 7 -s sh -b sh-fallback,sh-port\n$/,
    listed: service({ scheduler: 'sh', schedulerFlags: ['sh-fallback', 'sh-port'] }),
  },
  '-b flag-3': { shown: /^-A -f 7 -s rr -b flag-3\n$/, listed: service({ schedulerFlags: ['flag-3'] }) },
  '-p --persistent': {
    shown: /^-A -f 7 -s rr -p 360\n$/,
    listed: service({ persistence: { timeoutSeconds: 360, netmask: '255.255.255.255' } }),
  },
  '-p 3600': { shown: /^-A -f 7 -s rr -p 3600\n$/, listed: service({ persistence: { timeoutSeconds: 3600 } }) },
  '-p and port 0': {
    shown: /^-A -t 172\.16\.0\.100:0 -s rr -p 360\n$/,
    listed: address({ protocol: 'tcp', port: 0, persistence: { timeoutSeconds: 360 } }),
  },
  '-M --netmask': {
    shown: /^-A -f 7 -s rr -p 540 -M 255\.255\.255\.0\n$/,
    listed: service({ persistence: { timeoutSeconds: 540, netmask: '255.255.255.0' } }),
  },
  '-M 64': {
    shown: /^-A -f 7 -6 -s rr -p 540 -M 64\n$/,
    listed: service({ family: 'ipv6', persistence: { timeoutSeconds: 540, netmask: 64 } }),
  },
  '--pe': {
    shown: /^-A -u 172\.16\.0\.100:5060 -s rr -p 60 --pe sip\n$/,
    listed: address({ protocol: 'udp', port: 5060, persistence: { timeoutSeconds: 60 }, persistenceEngine: 'sip' }),
  },
  '-o --ops': { shown: /^-A -u 172\.16\.0\.100:53 -s rr -o\n$/, listed: address({ port: 53, onePacket: true }) },
}

const destinationRows: Readonly<Record<string, ExpectedRow>> = {
  '-r --real-server': {
    given: webGiven,
    shown: /-a -t 172\.16\.0\.100:80 -r 10\.0\.0\.7:80 -g -w 1\n$/,
    listed: webDestination({ port: 80 }),
  },
  '-r 10.0.0.7:8080': {
    given: webGiven,
    shown: /-r 10\.0\.0\.7:8080 -m -w 1\n$/,
    listed: webDestination({ port: 8080, forwarding: 'masquerade' }),
  },
  '-g --gatewaying': { given: markGiven, shown: / -g -w 1\n$/, listed: destination({ forwarding: 'direct' }) },
  '-i --ipip': {
    given: markGiven,
    shown: / -i -w 1 --tun-type ipip\n$/,
    listed: destination({ forwarding: 'tunnel', tunnel: { type: 'ipip' } }),
  },
  '-m --masquerading': { given: markGiven, shown: / -m -w 1\n$/, listed: destination({ forwarding: 'masquerade' }) },
  '-w --weight': { given: markGiven, shown: / -g -w 0\n$/, listed: destination({ weight: 0 }) },
  '-x --u-threshold': {
    given: markGiven,
    via: 'ipvsadm -Ln --thresholds',
    shown: /10\.0\.0\.7:0 +100 +0 /,
    listed: destination({ upperThreshold: 100, lowerThreshold: 0 }),
  },
  '-y --l-threshold': {
    given: markGiven,
    via: 'ipvsadm -Ln --thresholds',
    shown: /10\.0\.0\.7:0 +100 +50 /,
    listed: destination({ upperThreshold: 100, lowerThreshold: 50 }),
  },
  '--tun-type': {
    given: markGiven,
    shown: / --tun-type gre --tun-nocsum\n$/,
    listed: destination({ tunnel: { type: 'gre' } }),
  },
  '--tun-port': {
    given: markGiven,
    shown: / --tun-type gue --tun-port 6080 --tun-nocsum\n$/,
    listed: destination({ tunnel: { type: 'gue', port: 6080, checksum: 'none' } }),
  },
  '--tun-nocsum': {
    given: markGiven,
    shown: / --tun-type gre --tun-nocsum\n$/,
    listed: destination({ tunnel: { type: 'gre', checksum: 'none' } }),
  },
  '--tun-csum': {
    given: markGiven,
    shown: / --tun-type gre --tun-csum\n$/,
    listed: destination({ tunnel: { type: 'gre', checksum: 'local' } }),
  },
  '--tun-remcsum': {
    given: markGiven,
    shown: / --tun-type gue --tun-port 6080 --tun-remcsum\n$/,
    listed: destination({ tunnel: { type: 'gue', port: 6080, checksum: 'remote' } }),
  },
}

export const optionRows: Readonly<Record<string, ExpectedRow>> = { ...serviceRows, ...destinationRows }
