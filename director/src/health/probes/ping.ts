// ping: one ICMP echo over a ping socket. The kernel fills in identifier and checksum, and sees that the reply is ours.
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { run } from './attempt.ts'
import { socketOptions } from './connect.ts'
import { ProbeVoid } from './errors.ts'
import type { CheckOf, Probe } from './probe.ts'

const echo = { ipv4: { request: 8, reply: 0 }, ipv6: { request: 128, reply: 129 } } as const

/** Succeeds when the host echoes the payload. */
export const probePing: Probe<CheckOf<'ping'>> = (check, target, sockets, signal) =>
  run(check.limits, signal, async (attempt) => {
    if (sockets === undefined) throw new ProbeVoid('needs ping sockets of the addon, which are not there')
    const socket = createSocket(target.family === 'ipv4' ? 'udp4' : 'udp6')
    attempt.atEnd(() => socket.close())
    socket.on('error', (error) => attempt.fail(error))
    const fd = sockets.ping(socketOptions(check, target))
    await new Promise<void>((resolve) => socket.bind({ fd }, resolve))
    const { request, reply } = echo[target.family]
    const payload = randomBytes(16)
    const packet = Buffer.concat([Buffer.from([request, 0, 0, 0, 0, 0, 0, 1]), payload])
    attempt.enter('firstByte')
    attempt.log('>', `echo request to ${target.address}`)
    await new Promise<void>((resolve) => {
      socket.on('message', (message) => {
        if (message[0] === reply && message.subarray(8).equals(payload)) resolve()
      })
      socket.send(packet, 1, target.address)
    })
    attempt.log('<', 'echo reply')
    return 'echoed'
  })
