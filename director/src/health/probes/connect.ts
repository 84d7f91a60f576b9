// Connections of probes: plain, with options of the addon, and TLS on top.
import { Socket, connect as connectPlain, isIP } from 'node:net'
import { type TLSSocket, connect as connectTls } from 'node:tls'
import type { CheckCommon, TlsSettings } from '../../site/site.ts'
import type { Attempt } from './attempt.ts'
import { certificateFault, secureContext } from './certificates.ts'
import { ProbeFailure, ProbeVoid } from './errors.ts'
import { needsSockets, type ProbeTarget, type SocketOptions, type Sockets } from './probe.ts'

export function socketOptions(check: CheckCommon, target: ProbeTarget): SocketOptions {
  return { family: target.family, mark: target.mark, device: check.from.device }
}

/** Throws {@link ProbeVoid} when the addon's sockets are needed and not there. */
export function requireSockets(sockets: Sockets | undefined, target: ProbeTarget): Sockets {
  if (sockets !== undefined) return sockets
  const what = target.mark === undefined ? '`from.device` (SO_BINDTODEVICE)' : '`via: service` (SO_MARK)'
  throw new ProbeVoid(`needs sockets of the addon for ${what}, which are not there`)
}

/** `10.0.0.7:80`, `[2001:db8::7]:80`. */
export function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${String(port)}` : `${address}:${String(port)}`
}

/** Connects within the limit of `connect`. Errors of the socket, now and later, end the attempt. */
export function connect(
  attempt: Attempt,
  check: CheckCommon & { readonly port: number },
  target: ProbeTarget,
  sockets: Sockets | undefined,
): Promise<Socket> {
  attempt.enter('connect')
  const socket = startConnecting(check, target, sockets)
  attempt.atEnd(() => socket.destroy())
  socket.on('error', (error) => attempt.fail(error))
  return new Promise((resolve) => {
    socket.once('connect', () => {
      attempt.log('*', `connected to ${endpoint(target.address, check.port)}`)
      resolve(socket)
    })
  })
}

function startConnecting(
  check: CheckCommon & { readonly port: number },
  target: ProbeTarget,
  sockets: Sockets | undefined,
): Socket {
  const { address } = check.from
  const where = {
    host: target.address,
    port: check.port,
    noDelay: true,
    autoSelectFamily: false,
    ...(address === undefined ? {} : { localAddress: address }),
  }
  if (!needsSockets(check, target)) return connectPlain(where)
  const descriptor = requireSockets(sockets, target).tcp(socketOptions(check, target))
  return new Socket({ fd: descriptor }).connect(where)
}

/** TLS over a connected socket, within the limit of `tls`. A certificate that is not accepted ends the attempt. */
export function startTls(
  attempt: Attempt,
  socket: Socket,
  settings: TlsSettings,
  host: string,
  protocols?: string[],
): Promise<TLSSocket> {
  attempt.enter('tls')
  const name = settings.serverName ?? host
  const secure = connectTls({
    socket,
    host: name,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    secureContext: secureContext(settings),
    rejectUnauthorized: settings.verify,
    ...(protocols === undefined ? {} : { ALPNProtocols: protocols }),
  })
  attempt.atEnd(() => secure.destroy())
  secure.on('error', (error) => attempt.fail(error))
  const closed = (): void => attempt.fail(new ProbeFailure('closed the connection during the TLS handshake', false))
  secure.once('close', closed)
  return new Promise((resolve) => {
    secure.once('secureConnect', () => {
      secure.off('close', closed)
      const fault = readCertificate(attempt, secure, settings)
      if (fault === undefined) resolve(secure)
      else attempt.fail(new ProbeFailure(fault))
    })
  })
}

function readCertificate(attempt: Attempt, secure: TLSSocket, settings: TlsSettings): string | undefined {
  const ends = Date.parse(secure.getPeerCertificate().valid_to)
  attempt.certificateEnds = ends
  attempt.log('*', `${secure.getProtocol() ?? 'TLS'}, the certificate ends at ${new Date(ends).toISOString()}`)
  return certificateFault(ends, settings.minimumDaysValid, Date.now())
}
