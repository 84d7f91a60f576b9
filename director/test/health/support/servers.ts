// Real servers on loopback, closed after the test.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Listens on a free port; all connections end with the test. */
export async function listen(server: Server, address = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const where = server.address()
  if (where === null || typeof where === 'string') throw new Error('no port')
  return where.port
}

/** A TCP server that does one thing with each connection. */
export async function tcpServer(onConnection: (socket: Socket) => void, address?: string): Promise<number> {
  return await listen(createServer(onConnection), address)
}

/** A port that nobody listens on. */
export async function refusedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const where = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (where === null || typeof where === 'string') throw new Error('no port')
  return where.port
}

export interface Pem {
  readonly key: Buffer
  readonly cert: Buffer
  /** Path of the certificate, which is its own authority. */
  readonly path: string
}

/** A self-signed certificate of `name` that is valid for `days`. */
export function selfSigned(name = 'shop.example.com', days = 30): Pem {
  const folder = mkdtempSync(join(tmpdir(), 'director-tls-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [key, path] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', String(days)]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', path, ...subject], { stdio: 'ignore' })
  return { key: readFileSync(key), cert: readFileSync(path), path }
}
