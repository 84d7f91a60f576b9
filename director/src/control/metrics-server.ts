// Metrics over TCP, for Prometheus: one page, nothing can be changed.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { isIPv6 } from 'node:net'

export interface MetricsAddress {
  readonly host: string
  readonly port: number
}

/** Of `127.0.0.1:9640`, `[::1]:9640` or `9640`, which is 127.0.0.1. `undefined`: it is none. */
export function metricsAddress(text: string): MetricsAddress | undefined {
  const [, v6, host = '127.0.0.1', port = ''] = /^(?:\[([\da-f:.]+)\]:|([^\s:[\]]+):)?(\d{1,5})$/i.exec(text) ?? []
  const number = Number(port)
  if (port === '' || number < 1 || number > 65_535) return undefined
  if (v6 !== undefined && !isIPv6(v6)) return undefined
  return { host: v6 ?? host, port: number }
}

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Serves `GET /metrics`. */
export async function serveMetrics(address: MetricsAddress, metrics: () => Promise<string>): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?')
    const isPage = path === '/metrics'
    if (!isPage || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(isPage ? 405 : 404, { 'content-type': 'text/plain' }).end('only GET /metrics\n')
      return
    }
    metrics().then(
      (text) => response.writeHead(200, { 'content-type': METRICS_TYPE }).end(text),
      (error: Error) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${error.message}\n`),
    )
  })
  server.requestTimeout = 10_000
  server.headersTimeout = 10_000
  server.listen({ ...address, exclusive: true })
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}
