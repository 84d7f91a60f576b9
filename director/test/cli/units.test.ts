// The systemd unit: hardened as promised, and valid.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const unit = fileURLToPath(new URL('../../systemd/ipvs-director.service', import.meta.url))

test('systemd scores the exposure of the unit at 2.0 or less', () => {
  const printed = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
    encoding: 'utf8',
  })
  const score = /Overall exposure level for .*: ([\d.]+)/.exec(printed)?.[1]
  expect(Number(score)).toBeGreaterThan(0)
  expect(Number(score)).toBeLessThanOrEqual(2)
})

test('the unit has the one capability that IPVS needs, and the address families that probes need', () => {
  const text = readFileSync(unit, 'utf8')
  expect(text).toMatch(/^CapabilityBoundingSet=CAP_NET_ADMIN$/m)
  expect(text).toMatch(/^RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6$/m)
})
