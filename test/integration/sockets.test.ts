// openSocket and sendDatagram on a real kernel.
import { afterAll, beforeAll, expect, test } from 'vitest'

import { connectLab, type Lab } from '../lab/client.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectLab()
})
afterAll(() => lab.close())

test('packets of a socket with a mark have the mark, on IPv4 and IPv6', async () => {
  const counted = await lab.run(async ({ netns, sh, node }) => {
    const { name } = await netns()
    const table = `table inet seen {
      chain out {
        type filter hook output priority 0
        meta mark 7 tcp dport 8080 counter
        meta mark 8 udp dport 8080 counter
        meta mark 9 icmp type echo-request counter
      }
    }`
    await sh('nft -f -', { netns: name, input: table })
    const program = `
      import { openSocket } from 'ipvs'
      import dgram from 'node:dgram'
      import net from 'node:net'
      import { once } from 'node:events'
      for (const [family, host] of [['ipv4', '127.0.0.1'], ['ipv6', '::1']]) {
        const server = net.createServer((socket) => socket.end('served')).listen(8080, host)
        await once(server, 'listening')
        const socket = new net.Socket({ fd: openSocket({ type: 'tcp', family, mark: 7, device: 'lo' }) })
        socket.connect({ host, port: 8080 })
        console.log(String((await once(socket, 'data'))[0]))
        await once(socket, 'close')
        server.close()
        const udp = dgram.createSocket(family === 'ipv4' ? 'udp4' : 'udp6')
        udp.bind({ fd: openSocket({ type: 'udp', family, mark: 8 }) })
        await new Promise((resolve) => udp.send('x', 8080, host, resolve))
        udp.close()
      }
      const ping = dgram.createSocket('udp4')
      ping.bind({ fd: openSocket({ type: 'ping', mark: 9 }) })
      ping.send(Buffer.from([8, 0, 0, 0, 0, 0, 0, 1]), 1, '127.0.0.1')
      const [reply] = await once(ping, 'message')
      console.log('reply', reply[0])
      ping.close()
    `
    await sh('sysctl -qw net.ipv4.ping_group_range="0 2147483647"', { netns: name })
    const { stdout, stderr } = await node(program, { netns: name })
    return { printed: stdout, stderr, rules: await sh('nft list table inet seen', { netns: name }) }
  })
  expect(counted).toMatchObject({ printed: 'served\nserved\nreply 0\n', stderr: '' })
  const packets = [...counted.rules.matchAll(/mark (?:0x)?0*(\d) .*packets (\d+)/g)].map(([, mark, count]) => [
    mark,
    count,
  ])
  // Two connections and two datagrams.
  expect(packets.map(([mark]) => mark)).toEqual(['7', '8', '9'])
  expect(Number(packets[0]?.[1])).toBeGreaterThan(6)
  expect(packets.slice(1).map(([, count]) => count)).toEqual(['2', '1'])
})

test('without the capability, without the interface, without the group', async () => {
  const refused = await lab.run(async ({ netns, sh }) => {
    const { name } = await netns()
    await sh('sysctl -qw net.ipv4.ping_group_range="1 0"', { netns: name })
    const program = `
      import { openSocket } from 'ipvs'
      import fs from 'node:fs'
      const before = fs.readdirSync('/proc/self/fd').length
      for (const options of [
        { type: 'tcp', mark: 7 },
        { type: 'tcp', device: 'absent0' },
        { type: 'ping' },
      ]) {
        try { openSocket(options); console.log('opened') } catch (error) { console.log(error.code, error.attribute ?? '') }
      }
      console.log(fs.readdirSync('/proc/self/fd').length - before)
    `
    const command = 'setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all node --input-type=module -'
    return sh(command, { netns: name, input: program })
  })
  expect(
    refused
      .trim()
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual([
    'ERR_IPVS_PERMISSION_DENIED options.mark',
    'ERR_IPVS_INTERFACE_NOT_FOUND options.device',
    'ERR_IPVS_PERMISSION_DENIED',
    '0',
  ])
})

test('a datagram reaches a socket by path and by abstract name; nobody there, and a full queue', async () => {
  const seen = await lab.run(async ({ sh, start, ipvs: { sendDatagram } }) => {
    // Binds, waits for a signal, then receives.
    const receiver = start('python3', [
      '-c',
      `
import signal, socket
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
sockets = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
for s, name in zip(sockets, ['/tmp/notify', '\\0notify-ipvs']): s.bind(name)
print('ready', flush=True)
signal.sigwait([signal.SIGUSR1])
for s in sockets: print(s.recv(100).decode())
`,
    ])
    await receiver.waitFor('ready')
    sendDatagram('/tmp/notify', 'READY=1')
    sendDatagram('@notify-ipvs', new Uint8Array([82, 49]))
    let sent = 0
    const full = []
    try {
      for (; sent < 10_000; sent++) sendDatagram('/tmp/notify', 'x')
    } catch (error) {
      full.push((error as { message: string }).message)
    }
    const { stdout: printed } = await receiver.stop('SIGUSR1')
    const nobody = []
    for (const path of ['/tmp/notify', '/tmp/absent', '@notify-ipvs']) {
      try {
        sendDatagram(path, 'x')
      } catch (error) {
        nobody.push((error as { message: string }).message)
      }
    }
    await sh('rm -f /tmp/notify')
    return { printed, sent, full, nobody }
  })
  expect(seen.printed).toBe('ready\nREADY=1\nR1\n')
  expect(seen.sent).toBeGreaterThan(0)
  expect(seen.full).toEqual(['sendDatagram "/tmp/notify": sendto failed (EAGAIN)'])
  expect(seen.nobody).toEqual([
    'sendDatagram "/tmp/notify": sendto failed (ECONNREFUSED)',
    'sendDatagram "/tmp/absent": sendto failed (ENOENT)',
    'sendDatagram "@notify-ipvs": sendto failed (ECONNREFUSED)',
  ])
})
