// The status of the daemon from what was decided.
import type { Decision } from '../desired/decision.ts'
import type { Desired } from '../desired/desired.ts'
import type { Health, Override } from '../desired/inputs.ts'
import { overrideOf } from '../desired/overrides.ts'
import type { ServiceDecision } from '../desired/service.ts'
import type { PortRange, Virtual } from '../site/site.ts'
import type { OverrideStatus, ServerStatus, ServiceStatus } from './status.ts'

const portsText = (ports: 'all' | readonly PortRange[]): string =>
  ports === 'all' ? 'all' : ports.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(',')

function virtualText({ address, family, protocol, ports }: Virtual): string {
  return `${protocol} ${family === 'ipv6' ? `[${address}]` : address}:${portsText(ports)}`
}

export function overrideStatus({ kind, target, who, why, since, until }: Override): OverrideStatus {
  return { kind, target, who, why, since, until }
}

interface Facts {
  readonly health: Health
  readonly overrides: readonly Override[]
  readonly now: number
}

function serverStatus(decision: Decision, service: string, { health, overrides, now }: Facts): ServerStatus {
  const { server, id, place, weight, code, reason } = decision
  const found = health.get(id)
  const override = overrideOf(overrides, service, server.name, now)
  return {
    name: server.name,
    address: server.address,
    port: server.port,
    health: found?.state ?? 'unknown',
    since: found?.since ?? 0,
    weight: place === 'absent' ? undefined : weight,
    configuredWeight: server.weight,
    code,
    reason,
    override: override === undefined ? undefined : overrideStatus(override),
  }
}

function serviceStatus(
  { service, servers, alarms }: ServiceDecision,
  mark: number | undefined,
  facts: Facts,
): ServiceStatus {
  const { name, virtuals, scheduler } = service
  return {
    name,
    virtuals: [...(mark === undefined ? [] : [`mark ${mark}`]), ...virtuals.map(virtualText)],
    scheduler,
    up: servers.filter(({ place }) => place === 'traffic').length,
    servers: servers.map((each) => serverStatus(each, name, facts)),
    alarms,
  }
}

export function servicesStatus({ services, marks }: Desired, facts: Facts): ServiceStatus[] {
  return services.map((each) => serviceStatus(each, marks.get(each.service.name), facts))
}
