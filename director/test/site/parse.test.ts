// Texts that are no site at all, and the places of problems.
import { describe, expect, test } from 'vitest'
import { design } from './support/design.ts'
import { errorLines, problemsOf, lines } from './support/problems.ts'
import { parseSite } from '../../src/site/parse.ts'

describe('texts that are no site', () => {
  test.each([
    ['', 'site.yaml:1:1: the file is empty; ipvs-director init prints an example'],
    ['# nothing\n', 'site.yaml:1:1: the file is empty; ipvs-director init prints an example'],
    ['[]', 'site.yaml:1:1: a list is not a map'],
    ['text', 'site.yaml:1:1: "text" is not a map'],
    ['\ta: 1', 'site.yaml:1:1: a tab cannot indent a line; use spaces'],
    [
      '---\nversion: 1\n---\nversion: 1',
      'site.yaml:3:1: the file has several YAML documents; keep one, without a line of --- between',
    ],
    ['a: !!secret 3', 'site.yaml:1:4: Unresolved tag: tag:yaml.org,2002:secret'],
    ['['.repeat(20_000), 'site.yaml:1:1: maps and lists are nested too deeply'],
  ])('%#', (text, words) => {
    expect(lines(text)[0]).toBe(words)
  })

  test('a cycle of aliases is an error at the alias', () => {
    const text = 'version: 1\nservices: {}\ndefaults: &x\n  check: *x\n'
    expect(lines(text)).toContain(
      'site.yaml:4:10: defaults.check: alias *x stands inside its own anchor; write the value out',
    )
  })

  test('few aliases that stand for billions of values are refused', () => {
    const levels = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(10)}]`)
    expect(lines(['a0: &a0 1', ...levels].join('\n'))).toEqual([
      expect.stringMatching(/^site\.yaml:1:1: the file has \d+ values; use fewer aliases$/),
    ])
  })

  test('words of the YAML library have no control characters', () => {
    expect(lines('- a: |\u001B b\n  c')[0]).toContain(
      String.raw`Block scalar header includes extra characters: |\u001b`,
    )
    expect(problemsOf('- a: |\u001B b\n  c')[0]?.text).not.toMatch(/\p{Cc}/u)
  })

  test('a second key is an error at the second one', () => {
    const text = 'version: 1\nservices: {}\ndrift: repair\ndrift: report\n'
    expect(lines(text)).toEqual(['site.yaml:4:1: drift: this key stands twice in the map; remove one of the two'])
  })

  test('keys that are part of every object are unknown like others', () => {
    expect(
      problemsOf('version: 1\nservices: {}\n__proto__: 1\nconstructor: 2\ntoString: 3').map(({ path, code }) => [
        path,
        code,
      ]),
    ).toEqual([
      ['__proto__', 'unknown-key'],
      ['constructor', 'unknown-key'],
      ['toString', 'unknown-key'],
    ])
  })

  test('a key that is no text', () => {
    expect(lines('version: 1\nservices: {}\n? [a]\n: 1')).toEqual([
      'site.yaml:1:1: a key of this map is not text; write a plain name',
    ])
  })
})

test('one anchor serves a thousand times', () => {
  const servers = Array.from(
    { length: 1000 },
    (_, n) => `- { name: s${n}, address: 10.0.${n >> 8}.${n & 255}, checks: *c }`,
  )
  const text = `version: 1\ndefaults: { check: { interval: 1s } }\nservices:\n  a:\n    virtual: { address: 172.16.0.1, protocol: tcp, port: 80 }\n    checks: &c [{ tcp: {} }]\n    servers:\n      ${servers.join('\n      ')}\n`
  const [service] = parseSite(text).site.services
  expect(service?.servers).toHaveLength(1000)
  expect(service?.servers[999]?.checks?.checks[0]).toMatchObject({ kind: 'tcp', port: 80, intervalMs: 1000 })
})

test('JSON is accepted, with places', () => {
  const json = JSON.stringify(
    { version: 1, services: { web: { virtual: { address: '172.16.0.1', protocol: 'tcp', port: 80 }, servers: [] } } },
    null,
    2,
  )
  expect(parseSite(json).site.services[0]).toMatchObject({ name: 'web', by: 'address' })
  expect(lines(json.replace('"port"', '"prot"'), 'site.json')).toEqual([
    expect.stringContaining('site.json:8:9: services.web.virtual.prot: unknown key; did you mean port?'),
  ])
})

test('the example of the design', () => {
  const { site } = parseSite(design)
  expect(site.services.map(({ name, by, mark, onFailure }) => [name, by, mark, onFailure])).toEqual([
    ['shop', 'mark', 7, 'remove'],
    ['dns', 'address', undefined, 'drain'],
    ['ftp', 'mark', undefined, 'remove'],
  ])
  expect(
    site.services.map(({ checks }) => checks.checks.map((check) => ('port' in check ? check.port : undefined))),
  ).toEqual([[80, 443], [53], [21]])
  expect(site.failover).toEqual({
    engine: 'keepalived',
    virtualRouterId: 51,
    interface: 'eth0',
    advertIntervalMs: 200,
    anchor: '172.16.0.100',
    directors: { a: '172.16.0.11', b: '172.16.0.12' },
  })
  expect(site.brake).toEqual({ maximumLoss: 0.3, perMs: 60_000 })
})

test('problems come in the order of the file', () => {
  const places = problemsOf('drift: x\nservices:\n  a: { virtual: 1 }\nversion: 3\n').map(({ line }) => line)
  expect(places).toEqual(places.toSorted((one, other) => one - other))
})

test.each(['0443', '010', '-07'])('the number %s, octal for some programs', (number) => {
  const text = `version: 1\nservices:\n  a:\n    mark: ${number}\n`
  const words = `site.yaml:4:11: services.a.mark: ${number} begins with 0: some programs read it as octal; write ${String(Number(number))}`
  expect(errorLines(text)).toContain(words)
})

test('text that begins with 0, and numbers below 1, are no octal numbers', () => {
  expect(problemsOf('a: "010"\nb: 0.5\nc: 0\nd: 0x10\n').map(({ code }) => code)).not.toContain('leading-zero')
})
