// Checks with all defaults filled in and their ports resolved.
import type {
  BannerForm,
  BannerKind,
  CheckForm,
  ChecksForm,
  CommonForm,
  DefaultsForm,
  HttpForm,
  TlsForm,
} from './form.ts'
import type { Finding, Path } from './problems.ts'
import type { Check, CheckCommon, CheckRule, PhaseLimits, PortRange, TlsSettings } from './site.ts'

/** Where the default port of a check comes from. */
export interface PortSource {
  /** The server's own port. */
  readonly server: number | undefined
  /** Of all virtuals. Empty: there is no service. */
  readonly service: 'all' | readonly PortRange[]
}

export interface CheckContext {
  readonly defaults: DefaultsForm['check']
  readonly ports: PortSource
  readonly findings: Finding[]
}

/** Ports that belong to a protocol. */
const ownPorts: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  dns: 53,
  smtp: 25,
  ftp: 21,
  imap: 143,
  pop: 110,
  ldap: 389,
  redis: 6379,
  mysql: 3306,
  postgres: 5432,
}
const FALLBACK_PORT = 1 // stands in a check that is told to be wrong

const rangeText = ({ from, to }: PortRange): string => (from === to ? String(from) : `${from}-${to}`)

function portOf(kind: string, given: number | undefined, path: Path, { ports, findings }: CheckContext): number {
  const { server, service } = ports
  const found = given ?? server
  if (found !== undefined) return found
  const own = ownPorts[kind]
  if (service === 'all') {
    const text = 'has no port, and the service has all ports'
    if (own !== undefined) return own
    findings.push({ code: 'check-port', path, text, fix: 'add port' })
    return FALLBACK_PORT
  }
  const [first] = service
  if (first !== undefined && service.every(({ from, to }) => from === to && from === first.from)) return first.from
  if (own !== undefined && service.some(({ from, to }) => from <= own && own <= to)) return own
  const several =
    service.length === 0
      ? 'has no port'
      : `has no port, and the service has several: ${service.map(rangeText).join(', ')}`
  findings.push({ code: 'check-port', path, text: several, fix: 'add port' })
  return FALLBACK_PORT
}

function limitsOf(form: CommonForm, path: Path, { defaults = {}, findings }: CheckContext): PhaseLimits {
  if (form.timeout !== undefined && form.limits?.total !== undefined) {
    findings.push({
      code: 'two-timeouts',
      path: [...path, 'timeout'],
      text: 'timeout and limits.total are the same',
      fix: 'keep one of them',
    })
  }
  const total = form.limits?.total ?? form.timeout ?? defaults.limits?.total ?? defaults.timeout ?? 2000
  return {
    connect: form.limits?.connect ?? defaults.limits?.connect ?? total,
    tls: form.limits?.tls ?? defaults.limits?.tls ?? total,
    firstByte: form.limits?.firstByte ?? defaults.limits?.firstByte ?? total,
    total,
  }
}

function commonOf(form: CommonForm, path: Path, context: CheckContext): CheckCommon {
  const { defaults = {} } = context
  const intervalMs = form.interval ?? defaults.interval ?? 5000
  const from = form.from ?? defaults.from
  return {
    address: form.address?.address,
    intervalMs,
    whileFailingMs: form.whileFailing ?? defaults.whileFailing ?? Math.min(1000, intervalMs),
    whileDownMs: form.whileDown ?? defaults.whileDown ?? intervalMs,
    rise: form.rise ?? defaults.rise ?? 2,
    fall: form.fall ?? defaults.fall ?? 3,
    limits: limitsOf(form, path, context),
    from: { address: from?.address?.address, device: from?.device },
    via: form.via ?? defaults.via ?? 'server',
  }
}

function tlsOf(form: boolean | TlsForm | undefined): TlsSettings | undefined {
  if (form === undefined || form === false) return undefined
  const given = form === true ? {} : form
  return {
    serverName: given.serverName,
    verify: given.verify ?? true,
    ca: given.ca,
    certificate: given.certificate,
    key: given.key,
    minimumDaysValid: given.minimumDaysValid ?? 0,
  }
}

function httpOf(form: HttpForm): Omit<Extract<Check, { kind: 'http' }>, 'tls' | 'port' | keyof CheckCommon> {
  const { method = 'GET', path = '/', host, headers = {}, status = [{ from: 200, to: 299 }], body } = form
  return {
    kind: 'http',
    method,
    path,
    host,
    headers: { ...headers },
    status,
    body: body && { match: body.match, absent: body.absent, maximumBytes: body.maximumBytes ?? 65_536 },
  }
}

function bannerOf(
  kind: BannerKind,
  form: BannerForm,
): Omit<Extract<Check, { startTls: boolean }>, 'port' | keyof CheckCommon> {
  const startTls = form.startTls ?? false
  return { kind, startTls, tls: tlsOf(form.tls ?? startTls) }
}

/** The check of one map with one key. */
function checkOf(form: CheckForm, path: Path, context: CheckContext): Check {
  const kind = Object.keys(form).find((key) => form[key as keyof CheckForm] !== undefined) ?? ''
  const here = [...path, kind]
  const common = (given: CommonForm): CheckCommon => commonOf(given, here, context)
  const port = (given: { port?: number | undefined }): number => portOf(kind, given.port, here, context)
  if (form.tcp !== undefined) {
    const { send, expect, tls } = form.tcp
    return { ...common(form.tcp), kind: 'tcp', port: port(form.tcp), send, expect, tls: tlsOf(tls) }
  }
  if (form.http !== undefined)
    return { ...common(form.http), ...httpOf(form.http), port: port(form.http), tls: undefined }
  if (form.https !== undefined) {
    return { ...common(form.https), ...httpOf(form.https), port: port(form.https), tls: tlsOf({ ...form.https }) }
  }
  if (form.dns !== undefined) {
    const { query, type = 'A', expect } = form.dns
    return { ...common(form.dns), kind: 'dns', port: port(form.dns), query, type, expect }
  }
  if (form.udp !== undefined) {
    const { send = '', expect } = form.udp
    return { ...common(form.udp), kind: 'udp', port: port(form.udp), send, expect }
  }
  if (form.grpc !== undefined) {
    const { service = '', tls } = form.grpc
    return { ...common(form.grpc), kind: 'grpc', port: port(form.grpc), service, tls: tlsOf(tls) }
  }
  if (form.command !== undefined) return { ...common(form.command), kind: 'command', command: form.command.run }
  if (form.agent !== undefined) {
    if (form.agent.port === undefined) {
      context.findings.push({ code: 'check-port', path: here, text: 'has no port', fix: "add the agent's port" })
    }
    return { ...common(form.agent), kind: 'agent', port: form.agent.port ?? FALLBACK_PORT }
  }
  if (form.file !== undefined) {
    return { ...common(form.file), kind: 'file', path: form.file.path, upWhile: form.file.upWhile ?? 'present' }
  }
  if (form.ping !== undefined) return { ...common(form.ping), kind: 'ping' }
  const banner = form[kind as BannerKind] ?? {}
  return { ...common(banner), ...bannerOf(kind as BannerKind, banner), port: port(banner) }
}

const noChecks: CheckRule = { atLeast: 0, checks: [] }

/** The rule of a service or a server. */
export function checkRule(form: ChecksForm | undefined, path: Path, context: CheckContext): CheckRule {
  if (form === undefined) return noChecks
  const plain = !('of' in form)
  const list = plain ? form : form.of
  const place = plain ? path : [...path, 'of']
  const checks = list.map((each, index) => checkOf(each, [...place, index], context))
  const require = plain ? 'all' : (form.require ?? 'all')
  if (require === 'all') return { atLeast: checks.length, checks }
  if (require === 'any') return { atLeast: 1, checks }
  if (require.atLeast > checks.length) {
    const text = `${require.atLeast} of ${checks.length} checks can never succeed`
    context.findings.push({
      code: 'require',
      path: [...path, 'require', 'atLeast'],
      text,
      fix: `write ${checks.length} or less`,
    })
  }
  return { atLeast: require.atLeast, checks }
}

/** True if a check takes its port from the server or the service. */
export function takesPort(form: ChecksForm | undefined): boolean {
  if (form === undefined) return false
  const list = 'of' in form ? form.of : form
  const portless = new Set(['ping', 'command', 'file'])
  return list.some((each) =>
    Object.entries(each).some(
      ([kind, check]) => !portless.has(kind) && (check as { port?: number } | undefined)?.port === undefined,
    ),
  )
}

/** A check without service: address and port must be its own. */
export function controlCheck(form: CheckForm, path: Path, context: CheckContext): Check {
  const check = checkOf(form, path, context)
  if (check.address === undefined && check.kind !== 'command' && check.kind !== 'file') {
    context.findings.push({
      code: 'control-address',
      path: [...path, ...Object.keys(form)],
      text: 'has no address',
      fix: 'add the address of the target',
    })
  }
  return check
}
