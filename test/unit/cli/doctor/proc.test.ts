// `ipvs doctor`: Files of a network namespace.
import { expect, test } from 'vitest'
import { readNamespace } from '../../../../cli/doctor/proc.ts'

test('sysctls of this namespace; what the kernel does not have is absent', async () => {
  const read = await readNamespace(['net.ipv4.ip_forward', 'net.ipv4.no_such_thing'], undefined)
  expect(read.sysctls).toEqual({ 'net.ipv4.ip_forward': expect.stringMatching(/^[01]$/) as string })
  expect(read.reversePath).toHaveProperty('all')
})

test('a namespace that cannot be entered', async () => {
  await expect(readNamespace([], '/nowhere/at/all')).rejects.toThrow(/nsenter/)
})
