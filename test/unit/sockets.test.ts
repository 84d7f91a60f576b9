// Bad arguments are refused before the addon is called, and failed system calls are explained.
import { beforeEach, expect, test, vi } from 'vitest'

import type { FailedCall } from '../../lib/binding/addon.ts'
import { openSocket, sendDatagram, type SocketOptions } from '../../lib/sockets.ts'
import { constants } from 'node:os'

const native = vi.hoisted(() => {
  const calls: unknown[][] = []
  const given = { result: undefined as unknown }
  const call = (...args: unknown[]): unknown => {
    calls.push(args)
    return given.result
  }
  return { calls, given, call }
})
vi.mock('../../lib/binding/addon.ts', () => ({ binding: { openSocket: native.call, sendToPath: native.call } }))

beforeEach(() => {
  native.calls.length = 0
  native.given.result = 7
})

const opened = (options: unknown): number => openSocket(options as SocketOptions)
const sent = (path: unknown, data: unknown): void => sendDatagram(path as string, data as string)

test.each([
  [{ type: 'tcp' }, [false, 'tcp', undefined, undefined]],
  [{ type: 'udp', family: 'ipv6' }, [true, 'udp', undefined, undefined]],
  [{ type: 'ping', mark: 0xffffffff, device: 'eth0.100' }, [false, 'ping', 0xffffffff, 'eth0.100']],
])('%j is passed on', (options, args) => {
  expect(opened(options)).toBe(7)
  expect(native.calls).toEqual([args])
})

test.each([
  [undefined, 'options'],
  [{}, 'options.type'],
  [{ type: 'icmp' }, 'options.type'],
  [{ type: 'tcp', family: 'ipv5' }, 'options.family'],
  [{ type: 'tcp', mark: -1 }, 'options.mark'],
  [{ type: 'tcp', mark: '7' }, 'options.mark'],
  [{ type: 'tcp', mark: 2 ** 32 }, 'options.mark'],
  [{ type: 'tcp', device: '' }, 'options.device'],
  [{ type: 'tcp', device: 'a/b' }, 'options.device'],
  [{ type: 'tcp', device: 'interface-of-17b' }, 'options.device'],
  [{ type: 'tcp', devise: 'eth0' }, 'options.devise'],
])('%j is refused', (options, attribute) => {
  expect(() => opened(options)).toThrow(expect.objectContaining({ code: 'ERR_IPVS_INVALID_ARGUMENT', attribute }))
  expect(native.calls).toEqual([])
})

test.each([
  ['', 'x', 'path'],
  ['@', 'x', 'path'],
  ['/run/a\0b', 'x', 'path'],
  [7, 'x', 'path'],
  [`/${'x'.repeat(107)}`, 'x', 'path'],
  ['/run/x', 7, 'data'],
  ['/run/x', undefined, 'data'],
])('a datagram to %j with %j is refused', (path, data, attribute) => {
  expect(() => sent(path, data)).toThrow(expect.objectContaining({ code: 'ERR_IPVS_INVALID_ARGUMENT', attribute }))
  expect(native.calls).toEqual([])
})

test('text is sent as UTF-8, the longest path as it is', () => {
  native.given.result = undefined
  const path = `/${'x'.repeat(106)}`
  sendDatagram(path, 'STATUS=é')
  expect(native.calls).toEqual([[path, Buffer.from('STATUS=é')]])
})

const { EPERM, EACCES, ENODEV, EMFILE, ECONNREFUSED } = constants.errno

test.each<[SocketOptions['type'], FailedCall, string, RegExp]>([
  ['tcp', { call: 'SO_MARK', errno: EPERM }, 'ERR_IPVS_PERMISSION_DENIED', /^openSocket: a mark needs CAP_NET_ADMIN/],
  ['ping', { call: 'socket', errno: EACCES }, 'ERR_IPVS_PERMISSION_DENIED', /net\.ipv4\.ping_group_range/],
  ['tcp', { call: 'SO_BINDTODEVICE', errno: ENODEV }, 'ERR_IPVS_INTERFACE_NOT_FOUND', /no such network interface/],
  ['tcp', { call: 'SO_BINDTODEVICE', errno: EPERM }, 'ERR_IPVS_PERMISSION_DENIED', /use SO_BINDTODEVICE \(EPERM\)/],
  ['udp', { call: 'socket', errno: EMFILE }, 'ERR_IPVS_KERNEL', /socket failed \(EMFILE\)/],
])('%s, %j: %s', (type, failed, code, message) => {
  native.given.result = failed
  expect(() => openSocket({ type, mark: 7 })).toThrow(expect.objectContaining({ code, errno: failed.errno }))
  expect(() => openSocket({ type, mark: 7 })).toThrow(message)
})

test('a datagram that nobody receives', () => {
  native.given.result = { call: 'sendto', errno: ECONNREFUSED }
  expect(() => sendDatagram('@nobody', 'x')).toThrow(/^sendDatagram "@nobody": sendto failed \(ECONNREFUSED\)/)
})
