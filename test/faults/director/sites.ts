// Two sites, far from each other: services with and without marks come, go and change.

const SERVERS = 5

const isMarked = (number: number): boolean => number % 4 === 0

function service(number: number, weight: number, scheduler: string): string {
  const ports = isMarked(number) ? 'ports: [80, 443]' : 'port: 80'
  const servers = Array.from(
    { length: SERVERS },
    (_, index) =>
      `      - { name: s${number}-${index}, address: 10.0.${number}.${index + 1}, weight: ${weight + index} }`,
  )
  return `  s${number}:
    virtual: { address: 172.16.0.${number}, protocol: tcp, ${ports} }
    scheduler: ${scheduler}
    servers:
${servers.join('\n')}`
}

function site(count: number, first: number, weight: number, scheduler: string): string {
  const numbers = Array.from({ length: count }, (_, index) => first + index)
  const services = numbers.map((number) => service(number, weight, scheduler))
  return `version: 1\ndefaults: { forwarding: masquerade }\nservices:\n${services.join('\n')}\n`
}

/**
 * Two sites of `count` services each; three quarters are in both. With 31 there are 206 changes from one to the other. No server is
 * checked: nothing depends on time.
 */
export function twoSites(count: number): { oldSite: string; newSite: string } {
  const own = Math.ceil(count / 4)
  return { oldSite: site(count, 1, 1, 'wrr'), newSite: site(count, 1 + own, 2, 'wlc') }
}
