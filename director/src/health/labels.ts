// Short names of checks, for reasons, status and metrics.
import type { Check } from '../site/site.ts'
import { endpoint } from './probes/connect.ts'

/** `tcp :80`, `https :443/healthz`, `dns :53 example.com SOA`, `ping`, `command /usr/bin/check`. */
export function checkLabel(check: Check): string {
  switch (check.kind) {
    case 'ping':
      return check.address === undefined ? 'ping' : `ping ${check.address}`
    case 'command':
      return `command ${check.command[0] ?? ''}`
    case 'file':
      return `file ${check.path}`
    case 'http':
      return `${check.tls === undefined ? 'http' : 'https'} ${place(check)}${check.path}`
    case 'dns':
      return `dns ${place(check)} ${check.query} ${check.type}`
    case 'grpc':
      return `grpc ${place(check)} ${check.service}`.trimEnd()
    default:
      return `${check.kind} ${place(check)}`
  }
}

function place({ address, port }: { readonly address: string | undefined; readonly port: number }): string {
  return address === undefined ? `:${String(port)}` : endpoint(address, port)
}
