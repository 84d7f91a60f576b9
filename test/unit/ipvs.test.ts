import { setImmediate } from 'node:timers/promises'

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type { Reply, SessionOptions } from '../../lib/binding.ts'
import { Ipvs } from '../../lib/ipvs.ts'
import { IpvsError } from '../../lib/errors.ts'
import { RowWriter } from '../../lib/rows.ts'
import type { DestinationRow, InfoRow, ServiceRow } from '../../lib/records.ts'
import { FakeSession, failed, type Received } from './fake-session.ts'
import { schema } from './schema.ts'

const names = [
  'addService', 'updateService', 'removeService', 'addDestination', 'updateDestination', 'removeDestination', 'flush',
  'getService', 'listServices', 'listDestinations', 'info',
] // prettier-ignore

const opened = vi.hoisted(() => ({ sessions: [] as FakeSession[], options: [] as SessionOptions[] }))

vi.mock('../../lib/binding.ts', async () => {
  const { FakeSession: Fake } = await import('./fake-session.ts')
  const { schema: records } = await import('./schema.ts')
  class IpvsSession extends Fake {
    constructor(options: SessionOptions) {
      super()
      opened.options.push(options)
      opened.sessions.push(this)
      this.reply = () => ({})
    }
  }
  const operations = Object.fromEntries(
    'addService updateService removeService addDestination updateDestination removeDestination flush getService listServices listDestinations info'
      .split(' ')
      .map((name, code) => [name, code]),
  )
  return { binding: { IpvsSession, schema: records, operations } }
})

const services = new RowWriter<ServiceRow>(schema, 'service')
const destinations = new RowWriter<DestinationRow>(schema, 'destination')
const mark = { fwmark: 7 }
const server = { address: '10.0.0.7' }

let ipvs: Ipvs
let session: FakeSession
beforeEach(async () => {
  ipvs = await Ipvs.open()
  session = opened.sessions.at(-1) as FakeSession
  session.calls.length = 0
})
afterEach(() => ipvs.close())

const answer = (reply: Partial<Reply> | ((received: Received) => Partial<Reply>)) => {
  session.reply = typeof reply === 'function' ? reply : () => reply
}
const sent = () => session.calls.map(({ codes }) => codes.map((code) => names[code]).join())
