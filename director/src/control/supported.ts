// What a site may say and this daemon cannot do yet: refused, so that nobody believes in it.
import type { Check, Site, SiteService } from '../site/site.ts'

const isIndirect = ({ via }: Check): boolean => via === 'service'

function unsupportedChecks(service: SiteService): readonly string[] {
  const own = service.servers.flatMap(({ name, checks }) =>
    checks === undefined ? [] : [{ name: `server ${name}`, checks }],
  )
  const rules = [{ name: 'checks', checks: service.checks }, ...own]
  return rules
    .filter(({ checks }) => checks.checks.some(isIndirect))
    .map(({ name }) => `services.${service.name}: ${name}: via: service is not supported yet; use via: server`)
}

/** One line for each thing that is not supported. */
export function unsupported(site: Site): string[] {
  const whole = [
    ...(site.failover === undefined ? [] : ['failover: not supported yet; keepalived has its own file']),
    ...(site.source === undefined || site.source === 'file' ? [] : ['source: etcd is not supported yet; use a file']),
  ]
  const services = site.services.flatMap((service) => [
    ...unsupportedChecks(service),
    ...(service.serversFrom === undefined
      ? []
      : [`services.${service.name}.serversFrom: not supported yet; list the servers`]),
  ])
  return [...whole, ...services]
}
