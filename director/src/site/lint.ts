// What the form allows and the kernel takes, and what still goes wrong. Codes are stable.
import type { ChecksForm, ServiceForm } from './form.ts'
import { pathText, type Finding, type Path } from './problems.ts'
import type { Check, CheckRule, PortRange, SiteServer, SiteService, SorryServer } from './site.ts'

type Rule = (service: SiteService, form: ServiceForm, path: Path) => readonly (Finding | undefined)[]

const warning = (code: string, path: Path, text: string, fix: string): Finding => ({
  code,
  path,
  text,
  fix,
  severity: 'warning',
})

const rangesOf = ({ virtuals }: SiteService): readonly PortRange[] =>
  virtuals.flatMap(({ ports }) => (ports === 'all' ? [{ from: 1, to: 65_535 }] : ports))

const hasPort = (ranges: readonly PortRange[], port: number): boolean =>
  ranges.some(({ from, to }) => from <= port && port <= to)

/** Every virtual has this port and no other one. */
const isOnly = (ranges: readonly PortRange[], port: number): boolean =>
  ranges.every(({ from, to }) => from === port && to === port)

/** Only masquerade rewrites packets. */
const portMapping: Rule = (service, _form, path) => {
  const ranges = rangesOf(service)
  const look = ({ port, forwarding }: SiteServer | SorryServer, place: Path): Finding | undefined => {
    if (port === undefined || forwarding === 'masquerade' || isOnly(ranges, port)) return undefined
    const text = `forwarding ${forwarding} cannot change the port to ${port}`
    return { code: 'port-mapping', path: [...place, 'port'], text, fix: 'use forwarding masquerade, or remove port' }
  }
  return [
    ...service.servers.map((server, index) => look(server, [...path, 'servers', index])),
    service.sorry && look(service.sorry, [...path, 'sorry']),
  ]
}

const persistence: Rule = (service, _form, path) => {
  if (service.persistence !== undefined) return []
  const ranges = rangesOf(service)
  const several = ranges.some((range) => range.from !== range.to || range.from !== ranges[0]?.from)
  if (!several) return []
  const place = [...path, 'virtual']
  if (hasPort(ranges, 21) && service.virtuals.some(({ protocol, ports }) => protocol === 'tcp' && ports !== 'all')) {
    const text = 'FTP without persistence: the data connection of a client can reach another server'
    return [warning('ftp-persistence', place, text, 'add persistence')]
  }
  const text = 'several ports without persistence: a client can have another server at each port'
  return [warning('several-ports', place, text, 'add persistence, or make a service of each port')]
}

const fallback: Rule = ({ scheduler, schedulerFlags }, form, path) => {
  if (scheduler !== 'mh' && scheduler !== 'sh') return []
  if (schedulerFlags.some((flag) => flag.endsWith('-fallback'))) return []
  const text = `${scheduler} without fallback refuses the clients of a server with weight 0`
  const place = form.scheduler === undefined ? ['defaults', 'scheduler'] : [...path, 'scheduler']
  return [warning('no-fallback', [...place, 'fallback'], text, 'remove fallback: false')]
}

const serverCount: Rule = ({ servers, serversFrom }, form, path) => {
  if (serversFrom !== undefined) return []
  if (servers.length === 1) {
    const text = 'one server only: nothing takes its traffic when it fails'
    return [warning('one-server', [...path, 'servers'], text, 'add another one')]
  }
  if (servers.length > 0) {
    if (servers.some(({ weight }) => weight > 0)) return []
    return [warning('no-weight', [...path, 'servers'], 'every server has weight 0', 'give one a weight')]
  }
  const fix = 'add servers, or serversFrom'
  if (form.servers === undefined) return [{ code: 'missing', path: [...path, 'servers'], text: 'is missing', fix }]
  return [warning('no-server', [...path, 'servers'], 'no server', fix)]
}

const equalServers: Rule = ({ servers }, _form, path) => {
  const names = new Map<string, number>()
  const addresses = new Map<string, string>()
  return servers.map((server, index): Finding | undefined => {
    const place = [...path, 'servers', index]
    if (names.has(server.name)) {
      const text = `${server.name} is the name of servers[${names.get(server.name)}] too`
      return { code: 'same-name', path: [...place, 'name'], text, fix: 'choose another name' }
    }
    names.set(server.name, index)
    const key = `${server.address} ${server.port ?? ''}`
    const other = addresses.get(key)
    addresses.set(key, other ?? server.name)
    if (other === undefined) return undefined
    const text = `${other} has this address and port too: the kernel has one destination for both`
    return warning('same-address', [...place, 'address'], text, 'remove one of the two')
  })
}

/** The path of each check of a rule. */
function checkPaths(form: ChecksForm | undefined, path: Path): readonly Path[] {
  if (form === undefined) return []
  const nested = 'of' in form
  const list = nested ? form.of : form
  return list.map((each, index) => [...path, ...(nested ? ['of'] : []), index, ...Object.keys(each).slice(0, 1)])
}

function slow({ limits, intervalMs, kind }: Check, path: Path): Finding | undefined {
  if (limits.total <= intervalMs) return undefined
  const text = `a ${kind} check may take ${limits.total} ms, longer than its interval of ${intervalMs} ms`
  return warning('slow-check', path, text, 'lower timeout, or raise interval')
}

function slowChecks(rule: CheckRule, given: ChecksForm | undefined, place: Path): (Finding | undefined)[] {
  const paths = checkPaths(given, place)
  return rule.checks.map((check, index) => slow(check, paths[index] ?? place))
}

const checkTimes: Rule = ({ checks, servers }, form, path) => {
  const own = servers.flatMap((server, index) => {
    const given = form.servers?.[index]?.checks
    if (given === undefined || server.checks === undefined) return []
    return slowChecks(server.checks, given, [...path, 'servers', index, 'checks'])
  })
  return [...slowChecks(checks, form.checks, [...path, 'checks']), ...own]
}

const noChecks: Rule = ({ checks, servers }, _form, path) => {
  const missing = checks.checks.length === 0 && servers.some((server) => server.checks === undefined)
  if (!missing) return []
  return [warning('no-checks', path, 'servers without checks count as up, whatever happens', 'add checks')]
}

const sorryServer: Rule = ({ sorry, servers, minimumHealthy }, _form, path) => {
  if (sorry === undefined) {
    if (minimumHealthy.below !== 'sorry') return []
    const text = 'there is no sorry server'
    return [{ code: 'no-sorry', path: [...path, 'minimumHealthy', 'below'], text, fix: 'add sorry' }]
  }
  const same = servers.find(({ address, port }) => address === sorry.address && port === sorry.port)
  if (same === undefined) return []
  const text = `the sorry server is the server ${same.name}: it fails with it`
  return [warning('sorry-is-server', [...path, 'sorry', 'address'], text, 'choose another address')]
}

const ftp: Rule = (service, _form, path) => {
  const { ftpActive, servers, serversFrom } = service
  const some = servers.some(({ forwarding }) => forwarding === 'masquerade')
  if (!ftpActive || some || serversFrom?.template.forwarding === 'masquerade') return []
  const text = 'no server has forwarding masquerade: there is nothing to masquerade'
  const ports = service.by === 'mark' && !hasPort(rangesOf(service), 20)
  // Servers connect from the virtual address then, and what clients answer comes to its port 20.
  const fix = ports
    ? 'remove it, and add port 20 to ports for active transfers'
    : 'use forwarding masquerade, or remove it'
  return [warning('ftp-active', [...path, 'ftp', 'active'], text, fix)]
}

const onePacket: Rule = (service, _form, path) => {
  if (!service.onePacket || service.virtuals.some(({ protocol }) => protocol === 'udp')) return []
  return [warning('one-packet', [...path, 'onePacket'], 'only UDP packets go alone', 'remove it')]
}

const families: Rule = ({ virtuals, servers, serversFrom }, _form, path) => {
  if (serversFrom !== undefined || servers.length === 0) return []
  return [...new Set(virtuals.map(({ family }) => family))].map((family) => {
    if (servers.some((server) => server.family === family || server.forwarding === 'tunnel')) return undefined
    const text = `no server for the ${family} address`
    return warning('family-without-server', [...path, 'virtual'], text, `add a server with an ${family} address`)
  })
}

const rules: readonly Rule[] = [
  portMapping,
  persistence,
  fallback,
  serverCount,
  equalServers,
  checkTimes,
  noChecks,
  sorryServer,
  ftp,
  onePacket,
  families,
]

/** Errors and warnings of one service. */
export function lintService(service: SiteService, form: ServiceForm): Finding[] {
  const path = ['services', service.name]
  return rules.flatMap((rule) => rule(service, form, path)).filter((finding) => finding !== undefined)
}

/** Errors and warnings about services together. */
export function lintTogether(services: readonly SiteService[]): Finding[] {
  const findings: Finding[] = []
  const marks = new Map<number, string>()
  const addresses = new Map<string, { address: string; service: string }>()
  for (const { name, mark, servers } of services) {
    const path = ['services', name]
    const other = mark === undefined ? undefined : marks.get(mark)
    if (other !== undefined) {
      const text = `${pathText(['services', other])} has mark ${mark} too`
      findings.push({ code: 'same-mark', path: [...path, 'mark'], text, fix: 'choose another mark, or leave it out' })
    } else if (mark !== undefined) marks.set(mark, name)
    for (const [index, server] of servers.entries()) {
      const known = addresses.get(server.name)
      addresses.set(server.name, known ?? { address: server.address, service: name })
      if (known === undefined || known.address === server.address || known.service === name) continue
      const text = `${server.name} is ${known.address} in ${pathText(['services', known.service])}: one name is one server`
      findings.push(warning('two-addresses', [...path, 'servers', index, 'address'], text, 'choose another name'))
    }
  }
  return findings
}
