// Connected UDP sockets: they hear of refusals, and take datagrams of their peer only.
import { type Socket, createSocket } from 'node:dgram'
import type { CheckCommon } from '../../site/site.ts'
import type { Attempt } from './attempt.ts'
import { requireSockets, socketOptions } from './connect.ts'
import { needsSockets, type ProbeTarget, type Sockets } from './probe.ts'

/** Errors of the socket, now and later, end the attempt. */
export async function connectUdp(
  attempt: Attempt,
  check: CheckCommon & { readonly port: number },
  target: ProbeTarget,
  sockets: Sockets | undefined,
): Promise<Socket> {
  const socket = createSocket(target.family === 'ipv4' ? 'udp4' : 'udp6')
  attempt.atEnd(() => socket.close())
  socket.on('error', (error) => attempt.fail(error))
  const { address } = check.from
  if (needsSockets(check, target)) {
    socket.bind({ fd: requireSockets(sockets, target).udp(socketOptions(check, target)) })
  } else if (address !== undefined) {
    socket.bind({ address, port: 0, exclusive: true })
  }
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve)
    socket.connect(check.port, target.address)
  })
  return socket
}
