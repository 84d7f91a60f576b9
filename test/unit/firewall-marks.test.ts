import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type { AnyReply } from './support/any-reply.ts'
import { IpvsError } from '../../lib/values/errors.ts'
import type { MarkRule } from '../../lib/marks/mark-rule.ts'
import { FirewallMarks } from '../../lib/firewall-marks.ts'
import type { NatRule } from '../../lib/marks/nat-rule.ts'
import { RowWriter } from '../../lib/binding/row-writer.ts'
import { TableSession, foundMarkSchema, opened, restart } from './support/fake-marks.ts'
import { failed } from './support/fake-session.ts'

vi.mock('../../lib/binding/addon.ts', () => import('./support/fake-binding.ts'))

const web: MarkRule = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] }
const ftp: MarkRule = { mark: 21, address: '192.168.1.11', protocol: 'tcp', ports: [21, '10000-20000'] }

let marks: FirewallMarks
let session: TableSession
beforeEach(async () => {
  marks = await FirewallMarks.open()
  session = opened.sessions.at(-1) as TableSession
  session.log = []
})
afterEach(() => marks.close())

const refuse = (): never => {
  throw new Error('no')
}

const rejection = async (promise: Promise<unknown>): Promise<IpvsError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(IpvsError)
  return error as IpvsError
}

describe('open', () => {
  test('passes options on', async () => {
    await (await FirewallMarks.open({ netns: '/run/netns/blue', table: 'lb.one', timeoutMs: 77 })).close()
    const netns = { path: '/run/netns/blue', closed: 1 }
    expect(opened.options.slice(-2)).toEqual([{ table: 'ipvs' }, { table: 'lb.one', netns }])
  })

  test.each<[string, unknown]>([
    ['options', null],
    ['options.netns', { netns: '' }],
    ['options.table', { table: '' }],
    ['options.table', { table: '7' }],
    ['options.table', { table: 'a b' }],
    ['options.table', { table: 'a'.repeat(64) }],
    ['options.timeoutMs', { timeoutMs: 0 }],
    ['options.timeoutMs', { timeoutMs: null }],
    ['options.tidy', { tidy: 1 }],
    ['options.signal', { signal: {} }],
    ['options.tabel', { tabel: 'x' }],
  ])('refuses %s (%#)', async (attribute, options) => {
    const error = await rejection(FirewallMarks.open(options as never))
    expect(error).toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT', attribute, operation: 'open' })
  })
})

test('open removes temporary rules, unless options.tidy is false', async () => {
  await (await FirewallMarks.open()).close()
  expect(opened.sessions.at(-1)?.log).toEqual(['open'])
  await (await FirewallMarks.open({ tidy: false })).close()
  expect(opened.sessions.at(-1)?.log).toEqual(['open untidy'])
})

describe('status', () => {
  test('of a table without problems', async () => {
    expect(await marks.status()).toEqual({ inEffect: true, problems: [] })
  })

  test.each([
    ['dormant', { kind: 'dormant', text: 'the table is dormant: it sees no packets' }],
    ['chain output', { kind: 'missing', text: 'chain output is missing', chain: 'output' }],
    [
      'jump prerouting marks',
      { kind: 'missing', text: 'chain prerouting lacks the rule "jump marks"', chain: 'prerouting' },
    ],
    ['lookup exact4', { kind: 'missing', text: 'chain marks lacks the lookup in map exact4', chain: 'marks' }],
    [
      'obstacle output 12',
      {
        kind: 'obstacle',
        text: 'rule 12 of chain output is foreign and keeps packets from the rules after it',
        chain: 'output',
        handle: 12n,
      },
    ],
  ])('%s', async (line, problem) => {
    session.problems = `${line}\n`
    expect(await marks.status()).toEqual({ inEffect: false, problems: [problem] })
  })

  test('superfluous objects are problems, but the rules are in effect', async () => {
    session.problems = 'surplus marks 7\ntemporary marks 8\n'
    const { inEffect, problems } = await marks.status()
    expect(inEffect).toBe(true)
    expect(problems.map(({ kind, handle }) => [kind, handle])).toEqual([
      ['surplus', 7n],
      ['temporary', 8n],
    ])
  })

  test('repair is an empty change', async () => {
    await marks.add(web)
    await marks.repair()
    expect(session.log).toEqual(['list', 'apply -0 +2', 'apply -0 +0'])
  })
})

describe('temporary rules that may remain', () => {
  const leftovers = { index: 0, kind: 'timeout', errno: 0, unknown: false } as const

  test('after an applied change', async () => {
    session.next = [undefined, { leftovers }]
    const error = await rejection(marks.add(web))
    expect(error).toMatchObject({ code: 'ERR_IPVS_TIMEOUT', outcome: 'applied', leftovers: true, operation: 'add' })
    expect(error.message).toContain('the change was applied')
    expect(error.message).toContain('status() shows them')
  })

  test('after a failed change', async () => {
    session.next = [undefined, { ...failed('timeout'), leftovers }]
    const error = await rejection(marks.add(web))
    expect(error).toMatchObject({ code: 'ERR_IPVS_TIMEOUT', outcome: 'not-applied', leftovers: true })
    expect(error.message).toContain('status() shows them')
  })

  test('are not reported if the next attempt removes them', async () => {
    session.next = [undefined, { ...restart, leftovers }]
    await marks.add(web)
    expect(await marks.list()).toEqual([web])
  })

  test('are not reported if there are none', async () => {
    session.next = [undefined, failed('timeout')]
    const error = await rejection(marks.add(web))
    expect(error.leftovers).toBe(undefined)
    expect(error.message).not.toContain('Temporary')
  })
})

test('if reading back the outcome fails, the error does not say that nothing was sent', async () => {
  session.next = [undefined, { failures: [{ index: 0, kind: 'local', errno: 24, unknown: true }] }]
  const error = await rejection(marks.add(web))
  expect(error).toMatchObject({ code: 'ERR_IPVS_KERNEL', outcome: 'unknown' })
  expect(error.message).not.toContain('before anything was sent')
})

describe('rules', () => {
  test('are added, listed, replaced and removed', async () => {
    await marks.add(web)
    await marks.add([web, { ...ftp, comment: 'passive' }])
    expect(await marks.list()).toEqual([web, { ...ftp, comment: 'passive' }])
    await marks.replace([ftp])
    expect(await marks.list()).toEqual([ftp])
    await marks.remove([ftp])
    expect(await marks.list()).toEqual([])
    await marks.add(web)
    await marks.flush()
    expect(await marks.list()).toEqual([])
  })

  test('a change needs one transaction and no second listing', async () => {
    await marks.add(web)
    await marks.add(ftp)
    await marks.add(ftp)
    await marks.replace([ftp])
    expect(session.log).toEqual(['list', 'apply -0 +2', 'apply -0 +2', 'apply -0 +0', 'apply -2 +0'])
  })

  test('calls are carried out in order, also without await', async () => {
    const listed = [marks.list(), marks.add(web), marks.list(), marks.remove(web), marks.list()]
    expect((await Promise.all(listed)).filter(Array.isArray)).toEqual([[], [web], []])
  })

  test('a refused rule is named in the error, and nothing is sent', async () => {
    const error = await rejection(marks.add([web, { ...ftp, ports: [] }]))
    expect(error).toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'rules[1].ports', operation: 'add' })
    expect(session.log).toEqual([])
    expect(await rejection(marks.replace(web as never))).toMatchObject({ attribute: 'rules', operation: 'replace' })
    expect(await rejection(marks.add(null as never))).toMatchObject({ attribute: 'rule' })
    expect(await rejection(marks.add(web, { singal: 1 } as never))).toMatchObject({ attribute: 'options.singal' })
    await marks.add([])
  })

  test.each<[string, unknown]>([
    ['rules[1]', null],
    ['rules[1].mark', { ...web, mark: 0 }],
    ['rules[1].address', { ...web, address: '0.0.0.0' }],
    ['rules[1].port', { ...web, port: 80 }],
    ['rules[1].ports[2]', { ...web, ports: [80, 443, 0] }],
    ['rules[1]', Object.defineProperty({ ...web }, 'mark', { enumerable: true, get: () => refuse() })],
  ])('the path of a refused rule has its index: %s (%#)', async (attribute, rule) => {
    const error = await rejection(marks.replace([web, rule as MarkRule]))
    expect(error).toMatchObject({ attribute, code: 'ERR_IPVS_INVALID_ARGUMENT' })
    expect(error.message).toContain(`: ${attribute}: `)
  })

  test('the error of a getter is kept as the cause', async () => {
    const rule = Object.defineProperty({ ...web }, 'mark', { enumerable: true, get: () => refuse() })
    expect((await rejection(marks.add([rule]))).cause).toEqual(new Error('no'))
  })

  test('a duplicate counts once, and paths keep the index of the argument', async () => {
    await marks.replace([web, { ...web, comment: 'again' }, ftp])
    expect(await marks.list()).toEqual([web, ftp])
    const error = await rejection(marks.replace([web, web, ftp, { ...ftp, mark: 22 }]))
    expect(error).toMatchObject({ target: '4 rules' })
    expect([error.attribute, error.message]).toEqual(['rules[3]', expect.stringContaining('(rules[2])')])
  })

  test('targets', async () => {
    await marks.add(web)
    const part = await rejection(marks.remove({ ...web, ports: 80 }))
    expect(part).toMatchObject({ target: 'tcp 172.16.0.100 port 80 -> mark 7', attribute: 'rule', operation: 'remove' })
    expect((await rejection(marks.remove([ftp, { ...web, ports: 80 }]))).target).toBe('2 rules')
  })
})

describe('change', () => {
  const other = { ...web, mark: 8 }

  test('removes and adds in one transaction, and leaves the rest', async () => {
    await marks.add([web, ftp])
    session.log = []
    await marks.change({ remove: [web], add: [other] })
    expect(session.log).toEqual(['apply -2 +2'])
    expect(await marks.list()).toEqual([other, ftp])
    await marks.change({})
    await marks.change({ add: [web], remove: [other] })
    expect(await marks.list()).toEqual([web, ftp])
  })

  test('a rule that another program adds meanwhile stays', async () => {
    await marks.add(ftp)
    const theirs = new Map(session.elements)
    await marks.remove(ftp)
    await marks.add(web)
    session.meanwhile = () => {
      session.meanwhile = undefined
      for (const [key, element] of theirs) session.elements.set(key, element)
      session.generation++
    }
    await marks.change({ remove: [web], add: [other] })
    expect(await marks.list()).toEqual([other, ftp])
  })

  test('missing and invalid rules are refused with their path', async () => {
    await marks.add(web)
    const absent = await rejection(marks.change({ remove: [web, ftp], add: [other] }))
    expect(absent).toMatchObject({ attribute: 'changes.remove[1]', code: 'ERR_IPVS_INVALID_ARGUMENT' })
    const wrong = await rejection(marks.change({ add: [{ ...web, mark: 0 }] }))
    expect(wrong).toMatchObject({ attribute: 'changes.add[0].mark', operation: 'change' })
    expect(await rejection(marks.change({ adds: [] } as never))).toMatchObject({ attribute: 'changes.adds' })
    expect(await rejection(marks.change({ add: web } as never))).toMatchObject({ attribute: 'changes.add' })
    expect(await marks.list()).toEqual([web])
  })
})

describe('changes by other programs', () => {
  test('the table is read again before a change is refused', async () => {
    await marks.add(web)
    session.elements.clear()
    session.generation++
    await marks.add({ ...web, mark: 8 })
    expect(session.log).toEqual(['list', 'apply -0 +2', 'list', 'apply -0 +2'])
    expect(await marks.list()).toEqual([{ ...web, mark: 8 }])
  })

  test('a rule that another program removed is added again', async () => {
    await marks.add(web)
    session.elements.clear()
    session.generation++
    await marks.add(web)
    expect(await marks.list()).toEqual([web])
  })

  test('after a change of the ruleset the table is read and the change tried again', async () => {
    session.next = [undefined, restart, undefined, restart]
    await marks.add(web)
    expect(session.log).toEqual(['list', 'apply -0 +2', 'list', 'apply -0 +2', 'list', 'apply -0 +2'])
    expect(await marks.list()).toEqual([web])
  })

  test('ten attempts at most', async () => {
    session.meanwhile = () => session.generation++
    const error = await rejection(marks.add(web))
    expect(error).toMatchObject({ code: 'ERR_IPVS_CONFLICT', errno: 85, outcome: 'not-applied' })
    expect(session.log.filter((entry) => entry.startsWith('apply'))).toHaveLength(10)
    session.meanwhile = undefined
    await marks.add(web)
  })
})

describe('failures', () => {
  test.each<[string, AnyReply, object]>([
    ['no permission', failed('rejected', 1), { code: 'ERR_IPVS_PERMISSION_DENIED', errno: 1 }],
    ['no nf_tables', failed('unavailable', 22), { code: 'ERR_IPVS_UNAVAILABLE', errno: 22 }],
    ['no nfnetlink', failed('local', 93), { code: 'ERR_IPVS_UNAVAILABLE' }],
    ['a sandbox without netlink', failed('local', 97), { code: 'ERR_IPVS_PERMISSION_DENIED', errno: 97 }],
    ['a send buffer that is too small', failed('local', 90), { code: 'ERR_IPVS_PERMISSION_DENIED', errno: 90 }],
    ['no time', failed('timeout'), { code: 'ERR_IPVS_TIMEOUT' }],
    ['a table that never settles', failed('conflict'), { code: 'ERR_IPVS_CONFLICT' }],
    ['another reason', failed('rejected', 28), { code: 'ERR_IPVS_KERNEL', errno: 28 }],
    [
      'something in the table that is not ours',
      failed('rejected', 95, { attribute: 'table', message: 'map exact4 has a catch-all element' }),
      { code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'options.table' },
    ],
  ])('%s', async (_name, reply, expected) => {
    session.next = [reply]
    const error = await rejection(marks.list())
    expect(error).toMatchObject({ ...expected, outcome: 'not-applied', operation: 'list', target: 'table inet ipvs' })
    expect(error.message).toMatch(/^list table inet ipvs: /)
  })

  test('name the element', async () => {
    session.next = [undefined, failed('rejected', 17, { index: 1, message: 'why' })]
    const error = await rejection(marks.add([web, ftp]))
    expect(error).toMatchObject({ errno: 17, kernelMessage: 'why', target: 'tcp 172.16.0.100 port 443 -> mark 7' })
  })

  test('an unknown outcome is reported, and the table is read again', async () => {
    session.next = [undefined, failed('timeout', 0, { unknown: true })]
    expect(await rejection(marks.add(web))).toMatchObject({ code: 'ERR_IPVS_TIMEOUT', outcome: 'unknown' })
    await marks.add(web)
    expect(session.log).toEqual(['list', 'apply -0 +2', 'list', 'apply -0 +2'])
  })

  test('a failure does not affect the next call', async () => {
    session.next = [Promise.reject(new Error('crash'))]
    expect(await rejection(marks.add(web))).toMatchObject({ code: 'ERR_IPVS_KERNEL', outcome: 'unknown' })
    await marks.add(web)
    expect(await marks.list()).toEqual([web])
  })
})

describe('signals', () => {
  test('aborted before', async () => {
    const error = await rejection(marks.add(web, { signal: AbortSignal.abort('reason') }))
    expect(error).toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'not-applied', cause: 'reason' })
    expect(session.log).toEqual([])
  })

  test('aborted while it waits for another call', async () => {
    const answers: ((reply: AnyReply) => void)[] = []
    session.next = [new Promise((resolve) => answers.push(resolve))]
    const running = marks.list()
    const controller = new AbortController()
    const waiting = marks.add(web, { signal: controller.signal })
    controller.abort()
    expect(await rejection(waiting)).toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'not-applied' })
    answers[0]?.({})
    expect(await running).toEqual([])
    expect(session.log).toEqual(['list'])
  })

  test('aborted while the kernel works', async () => {
    const controller = new AbortController()
    session.meanwhile = () => controller.abort('enough')
    session.next = [undefined, failed('aborted', 0, { unknown: true })]
    const error = await rejection(marks.add(web, { signal: controller.signal }))
    expect(error).toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'unknown', cause: 'enough' })
    expect(session.aborted).toHaveLength(1)
  })
})

describe('NAT rules', () => {
  const ftpData: NatRule = { action: 'masquerade', source: '10.0.0.0/24', protocol: 'tcp', sourcePorts: [20] }
  const real: NatRule = { action: 'redirect', address: '172.16.0.100', protocol: 'tcp', ports: [80] }

  test('have methods of their own', async () => {
    await marks.add(web)
    await marks.addNat([ftpData, real])
    expect(await marks.list()).toEqual([web])
    expect(await marks.listNat()).toEqual([ftpData, real])
    await marks.replace([])
    await marks.replaceNat([real])
    expect([await marks.list(), await marks.listNat()]).toEqual([[], [real]])
    await marks.changeNat({ remove: [real], add: [ftpData] })
    expect(await marks.listNat()).toEqual([ftpData])
    await marks.removeNat(ftpData)
    expect(session.elements.size).toBe(0)
  })

  test('rule elements are listed before a removal, for their handles', async () => {
    await marks.addNat(real)
    session.log = []
    await marks.removeNat(real) // by its handle
    expect(session.log).toEqual(['list', 'apply -1 +0'])
  })

  test('invalid rules are refused with their path', async () => {
    const error = await rejection(marks.addNat([real, { ...real, action: 'snat' } as never]))
    expect(error).toMatchObject({ attribute: 'rules[1].action', operation: 'addNat' })
    expect(await rejection(marks.replaceNat(real as never))).toMatchObject({ attribute: 'rules' })
    expect(session.log).toEqual([])
  })

  test('the export is the text of native code', async () => {
    session.text = 'table inet ipvs\n# comment: café\n'
    expect(await marks.export()).toBe(session.text)
    session.next = [failed('rejected', 1)]
    expect(await rejection(marks.export())).toMatchObject({ code: 'ERR_IPVS_PERMISSION_DENIED', operation: 'export' })
  })

  test('marks of other programs are read from rows', async () => {
    const block = new RowWriter<object>([foundMarkSchema], 'foundMark').block()
    const rule = { handle: 3n, mask: 0xffffffff, known: 1, family: 2, table: 'mangle', chain: 'PREROUTING', map: '' }
    block.append({ ...rule, mark: 7 })
    block.append({ ...rule, mark: 1, mask: 1, map: 'm', family: 10 })
    block.append({ ...rule, mark: 0, known: 0, family: 1 })
    session.found = block.toBuffer()
    const found = { family: 'ip', table: 'mangle', chain: 'PREROUTING', handle: 3n }
    expect(await marks.findMarks()).toEqual([
      { ...found, mark: 7 },
      { ...found, mark: 1, mask: 1, map: 'm', family: 'ip6' },
      { ...found, family: 'inet' },
    ])
  })
})

describe('close', () => {
  test('rejects waiting and later calls', async () => {
    const waiting = [marks.list(), marks.add(web)].map(rejection)
    await marks.close()
    await marks.close()
    for (const error of await Promise.all(waiting)) expect(error.code).toBe('ERR_IPVS_CLOSED')
    expect((await rejection(marks.list())).code).toBe('ERR_IPVS_CLOSED')
  })

  test('await using', async () => {
    {
      await using handle = await FirewallMarks.open()
      await handle.list()
    }
    expect((opened.sessions.at(-1) as TableSession).closed).toBeGreaterThan(0)
  })
})
