// `ipvs restore`: what is done to get from one table to another, and in which order.
import type { Destination, ListedMarkRule, ListedSyncDaemon, NatRule, Service, ServiceSnapshot } from 'ipvs'
import { expect, test } from 'vitest'
import { FileError } from '../../../cli/shared/files.ts'
import { parseDocument } from '../../../cli/shared/document-file.ts'
import { difference } from '../../../state/difference.ts'
import { savedRule, savedServices, type Document, type SavedService } from '../../../state/document.ts'
import { stepLines, stepText } from '../../../state/step-text.ts'

const destination = (address: string, weight = 1): Destination => ({
  address,
  port: 0,
  forwarding: 'direct',
  weight,
  upperThreshold: 0,
  lowerThreshold: 0,
})
const service = (fwmark: number, scheduler: string, ...destinations: Destination[]): SavedService => ({
  service: { fwmark, family: 'ipv4', scheduler, schedulerFlags: [], onePacket: false },
  destinations,
})
const document = (services: SavedService[], more: Partial<Document> = {}): Document => ({
  version: 1,
  services,
  ...more,
})
const steps = (current: Document, wanted: Document): string[] => difference(current, wanted).map(stepText)
const daemon: ListedSyncDaemon = {
  role: 'master',
  interface: 'eth0',
  syncId: 1,
  multicast: { group: '224.0.0.81', port: 8848, ttl: 1 },
  maxLength: 1472,
}
const timeouts = { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 }
const rule = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] } as const
const masquerade: NatRule = { action: 'masquerade', source: '10.0.0.0/24', protocol: 'tcp', sourcePorts: [20] }

test('the same table needs nothing, also after a round trip through JSON', () => {
  const table = document([service(7, 'rr', destination('10.0.0.7'))], {
    timeouts,
    daemons: [daemon],
    marks: [rule],
    nat: [masquerade],
  })
  expect(steps(table, table)).toEqual([])
  expect(steps(table, parseDocument(JSON.stringify(table)))).toEqual([])
})

test('what is added comes before marks, and what goes comes last', () => {
  const current = document([service(7, 'rr', destination('10.0.0.7'), destination('10.0.0.8')), service(8, 'rr')], {
    timeouts,
    daemons: [daemon],
    marks: [],
  })
  const wanted = document(
    [service(7, 'wrr', destination('10.0.0.9'), destination('10.0.0.8', 5)), service(9, 'sh', destination('::1'))],
    { timeouts: { ...timeouts, udpSeconds: 30 }, daemons: [{ ...daemon, syncId: 2 }], marks: [rule] },
  )
  expect(steps(current, wanted).map((step) => step.replace(/ \{.*/, ''))).toEqual([
    '- master daemon',
    '~ timeouts',
    '~ service mark:7',
    '~ mark:7 -> 10.0.0.8:0',
    '+ mark:7 -> 10.0.0.9:0',
    '+ service mark:9 sh',
    '+ mark:9 -> [::1]:0',
    '~ marks: 1 rules',
    '- mark:7 -> 10.0.0.7:0',
    '- service mark:8',
    '+ master daemon on eth0',
  ])
})

test('destinations are added so that they are listed in the saved order', () => {
  const wanted = document([service(7, 'rr', destination('10.0.0.1'), destination('10.0.0.2'))])
  expect(steps(document([]), wanted)).toEqual([
    '+ service mark:7 rr',
    '+ mark:7 -> 10.0.0.2:0',
    '+ mark:7 -> 10.0.0.1:0',
  ])
})

test('rules: what changes of them, NAT first; their order and spelling do not matter', () => {
  const redirect: NatRule = { action: 'redirect', address: '172.16.0.100', protocol: 'tcp', ports: [80] }
  const other = { ...rule, mark: 8, mask: 0xff, source: '10.0.0.0/8', interface: 'eth0' }
  const current = document([], { marks: [rule, other], nat: [redirect, masquerade] })
  const counted = { ...rule, counter: true, comment: 'the web' }
  const wanted = document([], { marks: [other, counted], nat: [masquerade] })
  expect(difference(current, wanted).map(stepLines)).toEqual([
    '~ nat: 1 rules\n  - redirect 172.16.0.100 tcp 80\n',
    `~ marks: 2 rules
  - 7 172.16.0.100 tcp 80,443
  + 7 172.16.0.100 tcp 80,443 --counter --comment 'the web'
`,
  ])
  const again = document([], { marks: [other, { ...rule, ports: [80, 443] }], nat: [masquerade, redirect] })
  expect(steps(current, again)).toEqual([])
  expect(steps(document([]), document([], { marks: [], nat: [] }))).toEqual([])
})

test('that a rule counts is saved, and not what it has counted', () => {
  const listed: ListedMarkRule = { ...rule, counter: true, packets: 5n, bytes: 2n ** 60n }
  expect(savedRule(listed)).toEqual({ ...rule, counter: true })
})

test('what a document does not speak of is left alone', () => {
  const current = document([], { timeouts, daemons: [daemon], marks: [rule], nat: [masquerade] })
  expect(steps(current, document([]))).toEqual([])
})

test('a change removes what the saved service does not have', () => {
  const persistent = service(7, 'rr')
  const old: Service = { ...persistent.service, persistence: { timeoutSeconds: 9, netmask: '255.255.255.255' } }
  const [step] = difference(document([{ ...persistent, service: old }]), document([persistent]))
  expect(step).toMatchObject({ operation: { operation: 'updateService', patch: { persistence: null } } })
})

test('counters are not saved, and whatever forwarding there is', () => {
  const listed = { ...destination('10.0.0.1'), forwarding: 'local', activeConnections: 5 }
  const snapshot = {
    ...service(7, 'rr').service,
    statistics: {},
    destinations: [listed, { ...listed, port: 8080 }],
  } as unknown as ServiceSnapshot
  expect(savedServices([snapshot])).toEqual([
    {
      ...service(7, 'rr'),
      destinations: [0, 8080].map((port) => ({ ...destination('10.0.0.1'), port, forwarding: 'local' })),
    },
  ])
})

test.each(['null', '{}', '{"version":2}', '{"version":1}', '[', '7'])('%s is no document', (text) => {
  expect(() => parseDocument(text)).toThrow(FileError)
})
