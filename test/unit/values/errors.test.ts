import { constants } from 'node:os'
import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import type { FailureKind, Failure } from '../../../lib/binding/replies.ts'
import { IpvsError, abortedError, closedError, invalidArgument } from '../../../lib/values/errors.ts'
import { explainServiceErrno } from '../../../lib/services/service-errno.ts'
import { errnoName, failureError } from '../../../lib/calls/failure.ts'
import type { FailureContext } from '../../../lib/calls/context.ts'
import { InvalidInput } from '../../../lib/values/validate.ts'

const { errno: E } = constants
const failure = (kind: FailureKind, errno = 0, more: Partial<Failure> = {}): Failure => ({
  index: 0,
  kind,
  errno,
  unknown: false,
  ...more,
})
const explained = (operation: string, given: Failure, more: Partial<FailureContext> = {}): IpvsError =>
  failureError({ operation, target: 'FWM 7 ipv4', ...more }, given, explainServiceErrno)

describe('the explanation of an errno depends on the operation', () => {
  test.each<[string, number, string]>([
    ['addService', E.EEXIST, 'SERVICE_EXISTS'],
    ['addDestination', E.EEXIST, 'DESTINATION_EXISTS'],
    ['removeService', E.EEXIST, 'KERNEL'],
    ['addService', E.ENOENT, 'SCHEDULER_NOT_FOUND'],
    ['updateService', E.ENOENT, 'SCHEDULER_NOT_FOUND'],
    ['updateDestination', E.ENOENT, 'DESTINATION_NOT_FOUND'],
    ['removeDestination', E.ENOENT, 'DESTINATION_NOT_FOUND'],
    ['listServices', E.ENOENT, 'KERNEL'],
    ['updateService', E.ESRCH, 'SERVICE_NOT_FOUND'],
    ['removeService', E.ESRCH, 'SERVICE_NOT_FOUND'],
    ['addDestination', E.ESRCH, 'SERVICE_NOT_FOUND'],
    ['listDestinations', E.ESRCH, 'SERVICE_NOT_FOUND'],
    ['listServices', E.EPERM, 'PERMISSION_DENIED'],
    ['addService', E.EINVAL, 'INVALID_ARGUMENT'],
    ['addDestination', E.ERANGE, 'INVALID_ARGUMENT'],
    ['addService', E.EAFNOSUPPORT, 'UNAVAILABLE'],
    ['addService', E.ENOPROTOOPT, 'UNAVAILABLE'],
    ['addService', E.ENOMEM, 'KERNEL'],
    ['addService', E.EOPNOTSUPP, 'KERNEL'],
    ['zeroCounters', E.ESRCH, 'SERVICE_NOT_FOUND'],
    ['startSyncDaemon', E.EEXIST, 'DAEMON_EXISTS'],
    ['startSyncDaemon', E.ENODEV, 'INTERFACE_NOT_FOUND'],
    ['startSyncDaemon', E.EINVAL, 'INVALID_ARGUMENT'],
    ['startSyncDaemon', E.ENETUNREACH, 'KERNEL'],
    ['startSyncDaemon', E.EADDRINUSE, 'KERNEL'],
    ['stopSyncDaemon', E.ESRCH, 'DAEMON_NOT_RUNNING'],
    ['addService', E.ENODEV, 'KERNEL'],
  ])('%s, errno %d: %s', (operation, errno, code) => {
    const error = explained(operation, failure('rejected', errno))
    expect(error.code).toBe(`ERR_IPVS_${code}`)
    expect(error.errno).toBe(errno)
    expect(error.outcome).toBe('not-applied')
    expect(error.message).toContain(errnoName(errno))
    expect(error.message).not.toContain('may or may not')
  })

  test.each<[Partial<FailureContext>, string, string[]]>([
    [{ scheduler: 'nosuch' }, 'SCHEDULER', ['"nosuch"', 'modprobe ip_vs_nosuch']],
    [{ scheduler: 'rr', persistenceEngine: 'nosuch' }, 'PERSISTENCE_ENGINE', ['"nosuch"', '"rr"', 'ip_vs_pe_nosuch']],
    [{ persistenceEngine: 'sip' }, 'PERSISTENCE_ENGINE', ['"sip"', 'scheduler of the service']],
    [{ scheduler: 'nosuch', persistenceEngine: 'sip' }, 'SCHEDULER', ['"nosuch"', '"sip"', 'does not say which']],
    [{ scheduler: 'rr', persistenceEngine: '' }, 'SCHEDULER', ['"rr"']],
    [{}, 'SCHEDULER', ['scheduler of the service']],
  ])('the missing module: %j', (asked, code, texts) => {
    const error = explained('updateService', failure('rejected', E.ENOENT), asked)
    expect(error.code).toBe(`ERR_IPVS_${code}_NOT_FOUND`)
    for (const text of texts) expect(error.message).toContain(text)
  })
})

describe('messages have the fix', () => {
  test('permission', () => {
    const { message } = explained('listServices', failure('rejected', E.EPERM))
    expect(message).toContain('CAP_NET_ADMIN in the initial user namespace')
    expect(message).toContain('even for reading')
  })

  test('no IPVS', () => {
    const error = explained('open', failure('unavailable'))
    expect(error.code).toBe('ERR_IPVS_UNAVAILABLE')
    expect(error.errno).toBeUndefined()
    for (const text of ['modprobe ip_vs', '6.1', 'container', 'CONFIG_IP_VS']) expect(error.message).toContain(text)
  })

  test('the refused attribute and the kernel’s message', () => {
    const more = { attribute: 'service.netmask', message: 'Attribute failed policy validation' }
    const error = explained('addService', failure('rejected', E.EINVAL, more))
    expect(error).toMatchObject({ attribute: 'service.netmask', kernelMessage: 'Attribute failed policy validation' })
    expect(error.message).toContain('service.netmask')
    expect(error.message).toContain('The kernel says: "Attribute failed policy validation".')
  })

  test('daemons and destinations of another family exclude each other, from either side', () => {
    const starting = explained('startSyncDaemon', failure('rejected', E.EINVAL))
    expect(starting.message).toContain('a service has a destination of the other address family')
    for (const operation of ['addDestination', 'updateDestination']) {
      const { message } = explained(operation, failure('rejected', E.EINVAL))
      expect(message).toContain('while a synchronisation daemon runs, it must have the address family of its service')
    }
  })

  test('an interface that is down', () => {
    const error = explained('startSyncDaemon', failure('rejected', E.ENETUNREACH))
    expect(error.message).toContain('is it up')
    expect(error.attribute).toBe('daemon.interface')
  })

  test('no attribute and no message if the kernel sends none', () => {
    const error = explained('addDestination', failure('rejected', E.EINVAL, { attribute: '', message: '' }))
    expect('attribute' in error || 'kernelMessage' in error).toBe(false)
    expect(error.message).toContain('multicast')
  })
})

describe('failures that the kernel did not report', () => {
  test.each<[FailureKind, string]>([
    ['timeout', 'TIMEOUT'],
    ['overrun', 'RECEIVE_OVERRUN'],
    ['truncated', 'RECEIVE_OVERRUN'],
    ['malformed', 'KERNEL'],
    ['aborted', 'ABORTED'],
    ['closed', 'CLOSED'],
    ['conflict', 'CONFLICT'],
  ])('%s', (cause, code) => {
    const unsure = explained('addService', failure(cause, 0, { unknown: true }))
    expect(unsure).toMatchObject({ code: `ERR_IPVS_${code}`, outcome: 'unknown' })
    expect(unsure.message).toContain('may or may not have been applied')
    const sure = explained('addService', failure(cause))
    expect(sure.outcome).toBe('not-applied')
    expect(sure.message).not.toContain('may or may not')
  })

  test('the outcome of a read is never unknown', () => {
    const error = explained('listServices', failure('timeout', 0, { unknown: true }), { reads: true })
    expect(error.outcome).toBe('not-applied')
    expect(error.message).not.toContain('may or may not')
  })

  test.each<[string | undefined, number, string]>([
    ['/run/netns/blue', E.ENOENT, 'INVALID_ARGUMENT'],
    ['/run/netns/blue', E.ENOTDIR, 'INVALID_ARGUMENT'],
    ['/run/netns/blue', E.EACCES, 'INVALID_ARGUMENT'],
    ['/run/netns/blue', E.EINVAL, 'INVALID_ARGUMENT'],
    ['/run/netns/blue', E.EPERM, 'PERMISSION_DENIED'],
    ['/run/netns/blue', E.EMFILE, 'KERNEL'],
    [undefined, E.ENOENT, 'KERNEL'],
    [undefined, E.EPERM, 'PERMISSION_DENIED'],
    [undefined, E.EMFILE, 'KERNEL'],
    [undefined, E.ETIMEDOUT, 'TIMEOUT'],
    [undefined, E.EBUSY, 'CONFLICT'],
    [undefined, E.EAFNOSUPPORT, 'PERMISSION_DENIED'],
    ['/run/netns/blue', E.EAFNOSUPPORT, 'PERMISSION_DENIED'],
    [undefined, E.EPROTONOSUPPORT, 'UNAVAILABLE'],
  ])('a system call: netns %s, errno %d: %s', (netns, errno, code) => {
    const error = explained('open', failure('local', errno), { netns })
    expect(error).toMatchObject({ code: `ERR_IPVS_${code}`, outcome: 'not-applied', errno })
  })

  test('a sandbox without netlink is not a missing module', () => {
    const { message } = explained('open', failure('local', E.EAFNOSUPPORT))
    expect(message).toContain('AF_NETLINK is not allowed')
    expect(message).toContain('RestrictAddressFamilies')
    expect(message).not.toContain('modprobe')
  })

  test('the namespace is named', () => {
    const missing = explained('open', failure('local', E.ENOENT), { netns: '/run/netns/blue' })
    expect(missing.attribute).toBe('options.netns')
    expect(missing.message).toContain('"/run/netns/blue"')
    expect(explained('open', failure('local', E.EPERM), { netns: 'x' }).message).toContain('CAP_SYS_ADMIN')
  })
})

describe('IpvsError', () => {
  const context = { operation: 'addService', target: 'FWM 7 ipv4' }

  test('is an Error with name, code and message', () => {
    const error = explained('addService', failure('rejected', E.EEXIST))
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).toMatch(/^IpvsError: addService FWM 7 ipv4: the service exists already/)
    expect(error).toMatchObject({ operation: 'addService', target: 'FWM 7 ipv4' })
    expect(Object.keys(error)).not.toContain('name')
    expect(inspect(error)).toContain("code: 'ERR_IPVS_SERVICE_EXISTS'")
    expect(error.stack).toContain('errors.test.ts')
  })

  test('refused arguments', () => {
    const cause = new RangeError('from a getter')
    const error = invalidArgument(context, new InvalidInput('service.port', 'is missing', { cause })) as IpvsError
    expect(error).toMatchObject({
      code: 'ERR_IPVS_INVALID_ARGUMENT',
      attribute: 'service.port',
      outcome: 'not-applied',
      cause,
    })
    expect(error.message).toBe('addService FWM 7 ipv4: service.port: is missing')
    expect(invalidArgument({ operation: 'open', target: '' }, new InvalidInput('a', 'b'))).toMatchObject({
      message: 'open: a: b',
    })
  })

  test('other exceptions, which are bugs, are not converted', () => {
    const bug = new TypeError('bug')
    expect(invalidArgument(context, bug)).toBe(bug)
  })

  test('aborted and closed', () => {
    expect(abortedError(context, 'why', 'unknown')).toMatchObject({
      code: 'ERR_IPVS_ABORTED',
      cause: 'why',
      outcome: 'unknown',
    })
    expect(abortedError(context, 'why', 'unknown').message).toContain('may or may not')
    expect(closedError(context)).toMatchObject({ code: 'ERR_IPVS_CLOSED', outcome: 'not-applied' })
  })
})

test('names of numbers', () => {
  expect([3, 2, 17, 95, 11, 9999].map(errnoName)).toEqual([
    'ESRCH',
    'ENOENT',
    'EEXIST',
    'EOPNOTSUPP',
    'EAGAIN',
    'errno 9999',
  ])
})
