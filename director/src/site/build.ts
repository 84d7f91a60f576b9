// One service of the file to the model, with all defaults filled in.
import type { SchedulerFlag } from 'ipvs'
import { checkRule, takesPort, type CheckContext } from './build-checks.ts'
import type {
  ChecksForm,
  DefaultsForm,
  SchedulerForm,
  ServerForm,
  ServerSettingsForm,
  ServiceForm,
  VirtualForm,
} from './form.ts'
import type { Finding, Path } from './problems.ts'
import type { PortRange, ServerTemplate, ServersFrom, SiteServer, SiteService, Virtual } from './site.ts'

function virtualOf({ address, protocol, port, ports }: VirtualForm): Virtual {
  const given = port === undefined ? (ports ?? 'all') : [{ from: port, to: port }]
  return { ...address, protocol, ports: given }
}

/** A plain virtual is a service by address; port 0 of the kernel, all ports, works with persistence only. */
function byOf(form: ServiceForm, virtuals: readonly Virtual[]): 'mark' | 'address' {
  const [virtual] = virtuals
  if (form.mark !== undefined || virtual === undefined || virtuals.length > 1) return 'mark'
  if (/[/-]/.test(virtual.address)) return 'mark'
  if (virtual.ports === 'all') return form.persistence === undefined ? 'mark' : 'address'
  const [range] = virtual.ports
  return virtual.ports.length === 1 && range?.from === range?.to ? 'address' : 'mark'
}

const hashes = new Set(['mh', 'sh'])

function schedulerOf(
  form: SchedulerForm,
  path: Path,
  findings: Finding[],
): Pick<SiteService, 'scheduler' | 'schedulerFlags'> {
  const { name, fallback, port } =
    typeof form === 'string' ? { name: form, fallback: undefined, port: undefined } : form
  if (!hashes.has(name)) {
    for (const [key, value] of Object.entries({ fallback, port })) {
      if (value !== true) continue
      findings.push({
        code: 'scheduler-flag',
        path: [...path, key],
        text: `scheduler ${name} has no ${key}`,
        fix: 'only mh and sh have it: remove it',
      })
    }
    return { scheduler: name, schedulerFlags: [] }
  }
  const flags: SchedulerFlag[] = []
  if (fallback ?? true) flags.push(`${name}-fallback` as SchedulerFlag)
  if (port ?? false) flags.push(`${name}-port` as SchedulerFlag)
  return { scheduler: name, schedulerFlags: flags }
}

class ServiceBuild {
  readonly #form: ServiceForm
  readonly #defaults: DefaultsForm
  readonly #path: Path
  readonly #findings: Finding[]
  readonly #servicePorts: 'all' | readonly PortRange[]

  constructor(
    form: ServiceForm,
    defaults: DefaultsForm,
    path: Path,
    findings: Finding[],
    virtuals: readonly Virtual[],
  ) {
    this.#form = form
    this.#defaults = defaults
    this.#path = path
    this.#findings = findings
    const ports = virtuals.map((virtual) => virtual.ports)
    this.#servicePorts = ports.includes('all') ? 'all' : unique(ports.flatMap((each) => (each === 'all' ? [] : each)))
  }

  context(server: number | undefined, findings: Finding[] = this.#findings): CheckContext {
    return { defaults: this.#defaults.check, ports: { server, service: this.#servicePorts }, findings }
  }

  settings(form: ServerSettingsForm, path: Path): ServerTemplate {
    const { port, weight = 1, priority = 0, labels = {}, thresholds = {}, tunnel, checks } = form
    return {
      port,
      forwarding: form.forwarding ?? this.#form.forwarding ?? this.#defaults.forwarding ?? 'direct',
      tunnel: tunnel && {
        type: tunnel.type,
        ...(tunnel.port === undefined ? {} : { port: tunnel.port }),
        ...(tunnel.checksum === undefined ? {} : { checksum: tunnel.checksum }),
      },
      weight,
      upperThreshold: thresholds.upper ?? 0,
      lowerThreshold: thresholds.lower ?? 0,
      priority,
      labels: { ...labels },
      checks: this.#serverChecks(checks, port, path),
    }
  }

  /** A server with a port of its own has the service's checks at that port. */
  #serverChecks(checks: ChecksForm | undefined, port: number | undefined, path: Path): SiteServer['checks'] {
    if (checks !== undefined) return checkRule(checks, [...path, 'checks'], this.context(port))
    if (port === undefined || !takesPort(this.#form.checks)) return undefined
    return checkRule(this.#form.checks, [...this.#path, 'checks'], this.context(port, []))
  }

  server(form: ServerForm, path: Path): SiteServer {
    return { name: form.name, ...form.address, ...this.settings(form, path) }
  }

  /** The rule of the service. Its missing ports are no mistake where each server has a port. */
  serviceChecks(servers: readonly SiteServer[]): SiteService['checks'] {
    const own =
      servers.length > 0 && this.#form.serversFrom === undefined && servers.every(({ port }) => port !== undefined)
    const findings = own ? [] : this.#findings
    return checkRule(
      this.#form.checks,
      [...this.#path, 'checks'],
      this.context(own ? servers[0]?.port : undefined, findings),
    )
  }

  serversFrom(): ServersFrom | undefined {
    const { serversFrom } = this.#form
    if (serversFrom === undefined) return undefined
    const template = this.settings(serversFrom.template ?? {}, [...this.#path, 'serversFrom', 'template'])
    if ('dns' in serversFrom) return { dns: serversFrom.dns, refreshMs: serversFrom.refresh ?? 30_000, template }
    return { file: serversFrom.file, template }
  }
}

function unique(ranges: readonly PortRange[]): PortRange[] {
  return [...new Map(ranges.map((range) => [`${range.from}-${range.to}`, range])).values()]
}

/** The model of a service. Mistakes are added to `findings`. */
export function buildService(
  name: string,
  form: ServiceForm,
  defaults: DefaultsForm,
  findings: Finding[],
): SiteService {
  const path = ['services', name]
  const virtuals = (Array.isArray(form.virtual) ? form.virtual : [form.virtual]).map(virtualOf)
  const build = new ServiceBuild(form, defaults, path, findings, virtuals)
  const servers = (form.servers ?? []).map((each, index) => build.server(each, [...path, 'servers', index]))
  const persistent = form.persistence !== undefined
  const ownScheduler = form.scheduler !== undefined
  const schedulerPath = ownScheduler ? [...path, 'scheduler'] : ['defaults', 'scheduler']
  return {
    name,
    labels: { ...form.labels },
    virtuals,
    by: byOf(form, virtuals),
    mark: form.mark,
    ...schedulerOf(form.scheduler ?? defaults.scheduler ?? 'wlc', schedulerPath, findings),
    persistence: form.persistence && {
      timeoutSeconds: wholeSeconds(form.persistence.timeout ?? 360_000, [...path, 'persistence', 'timeout'], findings),
      netmask: form.persistence.netmask,
      engine: form.persistence.engine,
    },
    onePacket: form.onePacket ?? false,
    servers,
    serversFrom: build.serversFrom(),
    checks: build.serviceChecks(servers),
    onFailure: form.onFailure ?? defaults.onFailure ?? (persistent ? 'remove' : 'drain'),
    slowStart: form.slowStart && { forMs: form.slowStart.for, from: form.slowStart.from ?? 0.1 },
    minimumHealthy: { share: form.minimumHealthy?.share ?? 0, below: form.minimumHealthy?.below ?? 'keep' },
    sorry: form.sorry && {
      ...form.sorry.address,
      port: form.sorry.port,
      forwarding: form.sorry.forwarding ?? form.forwarding ?? defaults.forwarding ?? 'direct',
    },
    drain: drainOf(form.drain ?? {}),
    ftpActive: form.ftp?.active ?? false,
  }
}

function drainOf({
  stickiness = 'keep',
  wait = 600_000,
  then = 'keep',
}: NonNullable<ServiceForm['drain']>): SiteService['drain'] {
  // oxlint-disable-next-line unicorn/no-thenable -- a text, as in the site file
  return { stickiness, waitMs: wait, then }
}

function wholeSeconds(ms: number, path: Path, findings: Finding[]): number {
  if (ms % 1000 === 0) return ms / 1000
  findings.push({
    code: 'whole-seconds',
    path,
    text: 'the kernel counts whole seconds',
    fix: `write ${Math.ceil(ms / 1000)}s`,
  })
  return Math.ceil(ms / 1000)
}
