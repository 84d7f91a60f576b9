// Large sites.
import { expect, test, vi } from 'vitest'
import { parseSite } from '../../src/site/parse.ts'

// The test that starves the prober may run beside this one.
vi.setConfig({ testTimeout: 60_000 })

const service = (number: number, servers: number): string => {
  const lines = Array.from(
    { length: servers },
    (_, index) =>
      `      - { name: s${number}-${index}, address: 10.${number & 255}.${index >> 8}.${index & 255}, weight: ${1 + (index % 5)}, labels: { rack: r${index % 7} } }`,
  )
  return `  service-${number}:
    virtual: { address: 172.16.${number >> 8}.${number & 255}, protocol: tcp, ports: [80, 443] }
    persistence: { timeout: 6m }
    servers:
${lines.join('\n')}
    checks:
      - http: { path: /healthz }
`
}

test.each([
  [1, 10_000],
  [100, 100],
  [2000, 5],
])('%i services with %i servers each', (services, servers) => {
  const text = `version: 1\nservices:\n${Array.from({ length: services }, (_, number) => service(number, servers)).join('')}`
  const { site, warnings } = parseSite(text)
  expect(warnings).toEqual([])
  expect(site.services).toHaveLength(services)
  expect(site.services.reduce((sum, each) => sum + each.servers.length, 0)).toBe(10_000)
})

test('a mistake in each of 10,000 servers is told, each at its line', () => {
  const text = `version: 1\nservices:\n${service(1, 10_000).replaceAll('weight: ', 'wieght: ')}`
  let problems: readonly { line: number; path: string }[] = []
  try {
    parseSite(text)
  } catch (error) {
    ;({ problems } = error as { problems: typeof problems })
  }
  expect(problems).toHaveLength(10_000)
  expect(problems[9999]).toMatchObject({ line: 10_006, path: 'services.service-1.servers[9999].wieght' })
})
