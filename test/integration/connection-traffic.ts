// A client, a director that masquerades, and a server, each in its own network namespace.

/** $CLIENT, $DIRECTOR and $SERVER are names of namespaces. */
export const connectionWires = `
  ip link add toclient netns $DIRECTOR type veth peer name wire netns $CLIENT
  ip link add toserver netns $DIRECTOR type veth peer name wire netns $SERVER
  ip -n $CLIENT addr add 10.0.0.2/24 dev wire
  ip -n $CLIENT addr add fd00::2/64 dev wire nodad
  ip -n $DIRECTOR addr add 10.0.0.1/24 dev toclient
  ip -n $DIRECTOR addr add fd00::1/64 dev toclient nodad
  ip -n $DIRECTOR addr add 10.1.0.1/24 dev toserver
  ip -n $DIRECTOR addr add fd01::1/64 dev toserver nodad
  ip -n $DIRECTOR addr add 192.168.1.11/32 dev lo
  ip -n $DIRECTOR addr add 2001:db8::11/128 dev lo nodad
  ip -n $SERVER addr add 10.1.0.2/24 dev wire
  ip -n $SERVER addr add fd01::2/64 dev wire nodad
  ip -n $CLIENT link set wire up
  ip -n $SERVER link set wire up
  ip -n $DIRECTOR link set toclient up
  ip -n $DIRECTOR link set toserver up
  ip -n $CLIENT route add default via 10.0.0.1
  ip -n $CLIENT -6 route add default via fd00::1
  ip -n $SERVER route add default via 10.1.0.1
  ip -n $SERVER -6 route add default via fd01::1
  ip netns exec $DIRECTOR sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
`

/** Port 80 keeps connections open, 81 closes its side immediately, 82 resets, 83 closes both sides. UDP 53 listens. */
export const serverProgram = `
  import { createServer } from 'node:net'
  import { createSocket } from 'node:dgram'
  const ends = { 80() {}, 81: (socket) => socket.end(), 82: (socket) => socket.resetAndDestroy(), 83: (socket) => socket.on('end', () => socket.end()) }
  for (const [port, end] of Object.entries(ends)) {
    createServer({ allowHalfOpen: true }, (socket) => { socket.on('error', () => {}).resume(); end(socket) }).listen(Number(port), '::')
  }
  createSocket('udp6').bind(53, () => console.log('listening'))
`

/** Opens a connection to every service, and keeps it open where the server does. */
export const clientProgram = `
  import { connect } from 'node:net'
  import { createSocket } from 'node:dgram'
  const open = (host, port, then = () => {}) => {
    const socket = connect({ host, port, allowHalfOpen: true }, () => then(socket)).on('error', () => {}).resume()
  }
  for (const host of ['192.168.1.11', '2001:db8::11']) {
    open(host, 80)
    open(host, 80, (socket) => socket.end()) // the server does not close its side
    open(host, 81) // we do not close ours
    open(host, 82)
    open(host, 83, (socket) => socket.end())
    open(host, 84) // no reply
    open(host, 90) // a persistent service
    open(host, 91) // a service by mark
    open(host, 92) // a persistent service for all ports
  }
  createSocket('udp4').send('?', 53, '192.168.1.11')
  createSocket('udp6').send('?', 53, '2001:db8::11')
  setTimeout(() => console.log('sent'), 1500)
`

/** Node has no SCTP sockets. */
export const sctpProgram = `
import socket, sys, time
host, port, listen = sys.argv[1], int(sys.argv[2]), len(sys.argv) > 3
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
if listen:
    s.bind((host, port)); s.listen(5); print('listening', flush=True); kept = [s.accept() for _ in range(9)]
s.settimeout(3)
try:
    s.connect((host, port)); print('sent', flush=True); time.sleep(600)
except OSError as error:
    print('sent', error, flush=True)
`

/** Arguments of ipvsadm for the services and their servers. */
export const connectionServices: readonly string[] = [
  ...[80, 81, 82, 83].flatMap((port) => [
    `-A -t 192.168.1.11:${port} -s rr`,
    `-a -t 192.168.1.11:${port} -r 10.1.0.2:${port} -m`,
    `-A -t [2001:db8::11]:${port} -s rr`,
    `-a -t [2001:db8::11]:${port} -r [fd01::2]:${port} -m`,
  ]),
  '-A -t 192.168.1.11:84 -s rr',
  '-a -t 192.168.1.11:84 -r 10.1.0.99:84 -m',
  '-A -t 192.168.1.11:90 -s rr -p 300 -M 255.255.255.0',
  '-a -t 192.168.1.11:90 -r 10.1.0.2:80 -m',
  '-A -t [2001:db8::11]:90 -s rr -p 300',
  '-a -t [2001:db8::11]:90 -r [fd01::2]:80 -m',
  '-A -t 192.168.1.11:0 -s rr -p 300',
  '-a -t 192.168.1.11:0 -r 10.1.0.2:0 -m',
  '-A -f 7 -s rr -p 300',
  '-a -f 7 -r 10.1.0.2:80 -m',
  '-A -f 9 -6 -s rr -p 300',
  '-a -f 9 -6 -r [fd01::2]:80 -m',
  '-A -u 192.168.1.11:53 -s rr',
  '-a -u 192.168.1.11:53 -r 10.1.0.2:53 -m',
  '-A -u [2001:db8::11]:53 -s rr',
  '-a -u [2001:db8::11]:53 -r [fd01::2]:53 -m',
  '-A --sctp-service 192.168.1.11:80 -s rr',
  '-a --sctp-service 192.168.1.11:80 -r 10.1.0.2:80 -m',
  '-A --sctp-service 192.168.1.11:84 -s rr',
  '-a --sctp-service 192.168.1.11:84 -r 10.1.0.99:84 -m',
]

/** Marks for port 91. */
export const connectionMarks = `table inet marking {
  chain pre { type filter hook prerouting priority -150; ip daddr 192.168.1.11 tcp dport 91 meta mark set 7; ip6 daddr 2001:db8::11 tcp dport 91 meta mark set 9; }
}`
