// States in JSON and YAML: what is read, and where errors are.
import { expect, test } from 'vitest'
import { FileError } from '../../../../cli/shared/files.ts'
import { parseSaved, parseState } from '../../../../cli/shared/state-file.ts'

const yaml = `# web servers
services:
  - service: { fwmark: 7, scheduler: wrr }
    destinations:
      - address: 10.0.0.7
        weight: 50
      - { address: 10.0.0.17, wieght: 5 }
marks:
  - { mark: 0x7, address: 172.16.0.100, protocol: tcp, ports: [80, 443] }
`

test('YAML is read as JSON is', async () => {
  const { state } = await parseState(yaml, 'web.yaml')
  expect(state).toEqual({
    services: [
      {
        service: { fwmark: 7, scheduler: 'wrr' },
        destinations: [
          { address: '10.0.0.7', weight: 50 },
          { address: '10.0.0.17', wieght: 5 },
        ],
      },
    ],
    marks: [{ mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] }],
  })
  expect((await parseState(JSON.stringify(state), 'standard input')).state).toEqual(state)
  expect((await parseState('services: []', '-')).state).toEqual({ services: [] })
})

test.each([
  ['services', '2:1'],
  ['services[0].destinations[0].weight', '6:9'],
  ['services[0].destinations[1].wieght', '7:31'],
  ['services[0].destinations[1].port', '7:9'],
  ['services[0].service.port', '3:5'],
  ['marks[0].ports[1]', '9:68'],
  ['nat', '2:1'],
])('%s is at %s', async (path, place) => {
  const { placeOf } = await parseState(yaml, 'web.yaml')
  expect(placeOf(path)).toBe(`web.yaml:${place}: `)
})

test.each([
  ['services: [', 'web.yaml:1:12: '],
  ['services:\n  - a: 1\n  - a: 1\n    a: 2', 'web.yaml:4:5: '],
  ['a: 1\n---\nb: 2', 'web.yaml:2:1: is a second document'],
  ['a: *b', 'web.yaml: '],
  ['a: !strange 1', 'web.yaml:1:4: '],
  [' \n', 'web.yaml: is empty'],
  ['# nothing', 'web.yaml: is empty'],
  ['- 7', 'web.yaml:1:1: is not an object with the sections version, timeouts, services, daemons, marks, nat'],
  ['services: []\nmark: []', 'web.yaml:2:1: unknown field "mark"'],
  ['version: 1\nservices: {}', 'web.yaml:2:1: "services" is not an array'],
])('%j is refused at its place', async (text, message) => {
  await expect(parseState(text, 'web.yaml')).rejects.toThrow(FileError)
  await expect(parseState(text, 'web.yaml')).rejects.toThrow(message)
})

test('aliases that multiply are refused', async () => {
  const lines = ['a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]']
  for (let i = 1; i < 9; i++) lines.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join(', ')}]`)
  await expect(parseState(lines.join('\n'), 'bomb.yaml')).rejects.toThrow(FileError)
})

test.each(['null', '{}', '{"version":2}', '{"version":1}', '[', '7'])('%s is no saved state', (text) => {
  expect(() => parseSaved(text)).toThrow(FileError)
})
