// Sites for tests: every field has a value, tests name the ones that matter.
import type { Check, Site, SiteServer, SiteService } from '../../src/site/site.ts'
import { common } from '../health/support/checks.ts'

export const tcpCheck: Check = { ...common, kind: 'tcp', port: 80, send: undefined, expect: undefined, tls: undefined }

export function server(name: string, address: string, fields: Partial<SiteServer> = {}): SiteServer {
  return {
    name,
    address,
    family: address.includes(':') ? 'ipv6' : 'ipv4',
    port: undefined,
    forwarding: 'direct',
    tunnel: undefined,
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
    priority: 0,
    labels: {},
    checks: undefined,
    ...fields,
  }
}

export function service(name: string, fields: Partial<SiteService> = {}): SiteService {
  return {
    name,
    labels: {},
    virtuals: [
      {
        address: '172.16.0.100',
        family: 'ipv4',
        protocol: 'tcp',
        ports: [
          { from: 80, to: 80 },
          { from: 443, to: 443 },
        ],
      },
    ],
    by: 'mark',
    mark: 7,
    scheduler: 'wlc',
    schedulerFlags: [],
    persistence: undefined,
    onePacket: false,
    servers: [server('a', '10.0.0.1'), server('b', '10.0.0.2'), server('c', '10.0.0.3')],
    serversFrom: undefined,
    checks: { atLeast: 1, checks: [tcpCheck] },
    onFailure: 'drain',
    slowStart: undefined,
    minimumHealthy: { share: 0, below: 'keep' },
    sorry: undefined,
    // oxlint-disable-next-line unicorn/no-thenable -- a text, as in the site file
    drain: { stickiness: 'keep', waitMs: 600_000, then: 'keep' },
    ftpActive: false,
    ...fields,
  }
}

export function site(...services: readonly SiteService[]): Site {
  return { services, brake: undefined, drift: 'repair', control: undefined }
}
