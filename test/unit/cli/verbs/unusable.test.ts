// `ipvs restore`: rows that cannot be applied are found before anything is changed.
import type { Destination } from 'ipvs'
import { expect, test } from 'vitest'
import type { Document, SavedService } from '../../../../state/document.ts'
import { unsaveable, usableRows } from '../../../../cli/verbs/unusable.ts'

const service = { fwmark: 7, family: 'ipv4', scheduler: 'rr', schedulerFlags: [], onePacket: false } as const
const destination: Destination = { address: '10.0.0.7', port: 0, forwarding: 'direct', weight: 1 }
const saved = (more: object = {}, ...destinations: Destination[]): SavedService => ({
  service: { ...service, ...more },
  destinations,
})
const document = (services: unknown[], more: object = {}): Document => ({ version: 1, services, ...more }) as Document
const empty = document([])
const tooLong = { persistence: { timeoutSeconds: 17179868, netmask: '255.255.255.255' } }

test('what is right stays as it is', () => {
  const table = document([saved({}, destination), saved({ fwmark: 8 })], {
    timeouts: { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 },
    daemons: [],
    marks: [{ mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: 80 }],
    nat: [],
  })
  expect(usableRows(table, empty)).toEqual({ document: table, problems: [] })
})

test('each row that is wrong is named, and left out', () => {
  const wrong = document(
    [
      saved(tooLong, destination),
      saved({ fwmark: 8 }, { ...destination, weight: -1 }, destination),
      saved({ fwmark: 9, sheduler: 'rr' }),
      7,
      { service: null },
      { service: { protocol: 'tcp', address: 5, port: 80 }, destinations: [] },
      saved({ fwmark: 10 }, null as unknown as Destination, { address: 7 } as unknown as Destination),
    ],
    {
      timeouts: { tcpSeconds: -1 },
      daemons: [{ role: 'master', interface: 'eth0', syncId: 300 }],
      marks: [{ mark: 0 }],
      nat: [{ action: 'nothing' }],
    },
  )
  const { document: rest, problems } = usableRows(wrong, empty)
  expect(rest).toEqual(
    document([saved({ fwmark: 8 }, destination), saved({ fwmark: 10 })], { daemons: [], marks: [], nat: [] }),
  )
  expect(problems.map((each) => each.slice(0, each.indexOf(': ')))).toEqual([
    'services[0].service.persistence.timeoutSeconds',
    'services[1].destinations[0].weight',
    'services[2].service.sheduler',
    'services[3]',
    'services[4]',
    'services[5]',
    'services[6].destinations[0]',
    'services[6].destinations[1].address',
    'timeouts.tcpSeconds',
    'daemons[0].syncId',
    'marks[0].mark',
    'nat[0].action',
  ])
  expect(problems[0]).toMatch(/^services\[0\]\.service\.persistence\.timeoutSeconds: 17179868 is not/)
})

test('a row that is in place already is right, whatever it is', () => {
  const table = document([saved(tooLong, { ...destination, weight: -1 })], {
    timeouts: { tcpSeconds: -1 },
    daemons: [{ role: 'master', interface: 'eth0', syncId: 300 }],
  })
  expect(usableRows(table, table)).toEqual({ document: table, problems: [] })
})

test('what is in the table in place of a wrong row stays there', () => {
  const current = document([saved({}, destination)])
  const wanted = document([saved(tooLong, { ...destination, weight: -1 }, { ...destination, address: '10.0.0.8' })])
  const { document: rest, problems } = usableRows(wanted, current)
  expect(rest).toEqual(document([saved({}, destination, { ...destination, address: '10.0.0.8' })]))
  expect(problems).toHaveLength(2)
})

test('what is saved and cannot be restored is known when it is saved', () => {
  const strange: Destination = { ...destination, forwarding: 'tunnel' }
  expect(unsaveable(document([saved({}, destination)]))).toEqual([])
  expect(unsaveable(document([saved(tooLong), saved({ fwmark: 8 }, strange)]))).toEqual([
    expect.stringContaining('17179868'),
    'mark:8 -> 10.0.0.7: the type of its tunnel is not known and not saved',
  ])
})
