// What of an order is refused before it is kept.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkMove } from '../../src/control/orders.ts'
import { server, service, site } from '../support/sites.ts'

const folder = mkdtempSync(join(tmpdir(), 'director-orders-'))
afterAll(() => rmSync(folder, { recursive: true }))
const sysctl = (value: string): string => {
  const file = join(folder, value)
  writeFileSync(file, `${value}\n`)
  return file
}

const persistence = { timeoutSeconds: 360, netmask: undefined, engine: undefined }
const servers = [server('a', '10.0.0.1')]
const shop = site(service('shop', { persistence, servers }))
const move = { target: 'a', stickiness: 'move' } as const

test('clients are not moved where that ends connections', async () => {
  await expect(checkMove(shop, move, sysctl('1'))).rejects.toThrow(
    'shop: moving its clients would end its connections, because net.ipv4.vs.expire_nodest_conn is not 0; ' +
      'set the sysctl to 0, or drain with stickiness keep',
  )
  // oxlint-disable-next-line unicorn/no-thenable -- a text, as in the site file
  const byDefault = { persistence, servers, drain: { stickiness: 'move', waitMs: 1, then: 'keep' } } as const
  await expect(checkMove(site(service('shop', byDefault)), { target: 'shop/a' }, sysctl('1'))).rejects.toThrow(
    /^shop: /,
  )
})

test('clients are moved where it does not, or where there is nobody to move', async () => {
  await expect(checkMove(shop, move, sysctl('0'))).resolves.toBeUndefined()
  await expect(checkMove(shop, move, join(folder, 'absent'))).resolves.toBeUndefined()
  await expect(checkMove(shop, { target: 'a', stickiness: 'keep' }, sysctl('1'))).resolves.toBeUndefined()
  await expect(checkMove(site(service('shop', { servers })), move, sysctl('1'))).resolves.toBeUndefined()
})
