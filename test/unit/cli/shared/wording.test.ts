// What goes wrong is said in the words of the command line, whatever method of the API it was.
import { IpvsError } from 'ipvs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { runProgram } from '../../../../cli/verbs/program.ts'
import { inDocument } from '../../../../cli/shared/verb-wording.ts'
import { opened as sessions } from '../../support/fake-binding.ts'
import { failed } from '../../support/fake-session.ts'
import { Written } from '../written.ts'

vi.mock('../../../../lib/binding/addon.ts', () => import('../../support/fake-binding.ts'))

async function run(...words: string[]): Promise<{ status: number; stderr: string }> {
  const output = new Written()
  const status = await runProgram(words, output)
  return { status, stderr: output.stderr }
}

afterEach(() => vi.restoreAllMocks())

const web = ['172.16.0.100', 'tcp', '80']

describe('values', () => {
  test.each<[string[], string]>([
    [['add', 'service', 'mark:0'], 'ipvs: <service>: "0" is not a mark'],
    [['add', 'service', 'tcp:10.0.0.256:80'], 'ipvs: <service>: "10.0.0.256" is not an IPv4 or IPv6 address'],
    [['add', 'service', 'tcp:10.0.0.1:99999'], 'ipvs: <service>: 99999 is not an integer from 0 to 65535'],
    [
      ['add', 'service', 'tcp:10.0.0.1:0'],
      'ipvs: --persistence: port 0 (all ports) works in persistent services only; add --persistence',
    ],
    [['add', 'service', 'mark:7', '--scheduler', 'RR'], 'ipvs: --scheduler: "RR" is not a name such as "rr"'],
    [['add', 'service', 'mark:7', '--flags', 'sh-prt'], 'ipvs: --flags: "sh-prt" is not '],
    [
      ['add', 'service', 'mark:7', '--persistence', '4294968'],
      'ipvs: --persistence: 4294968 is not an integer from 0 to 4294967',
    ],
    [['add', 'service', 'mark:7', '--netmask', '255.0.255'], 'ipvs: --netmask: "255.0.255" is not an IPv4 mask'],
    [
      ['add', 'service', 'mark:7', '--engine', 'sip'],
      'ipvs: --engine: a persistence engine works in persistent services only; add --persistence',
    ],
    [['add', 'service', 'tcp:10.0.0.1:80', '--one-packet'], 'ipvs: --one-packet: one-packet scheduling is for udp'],
    [
      ['add', 'destination', 'mark:7', '10.0.0.300'],
      'ipvs: <destination>: "10.0.0.300" is not an IPv4 or IPv6 address',
    ],
    [
      ['add', 'destination', 'mark:7', '10.0.0.7', '--weight', '99999999999'],
      'ipvs: --weight: 99999999999 is not an integer',
    ],
    [
      ['add', 'destination', 'mark:7', '10.0.0.7', '--upper', '1', '--lower', '2'],
      'ipvs: --lower: 2 is above --upper, 1',
    ],
    [
      ['add', 'destination', 'mark:7', '10.0.0.7', '--tunnel', 'gue'],
      'ipvs: --tunnel-port: is missing: an integer from 1 to 65535',
    ],
    [
      ['add', 'destination', 'mark:7', '10.0.0.7', '--tunnel-port', '9'],
      'ipvs: --tunnel-port: a tunnel of type "ipip" has no port; use --tunnel gue, or leave it out',
    ],
    [
      ['add', 'destination', 'mark:7', 'fd00::1'],
      'ipvs: <destination>: forwarding "direct" cannot reach an ipv6 address from an ipv4 service; use --forwarding tunnel',
    ],
    [
      ['set', 'destination', 'mark:7', '10.0.0.7', '--forwarding', 'direct', '--tunnel', 'gre'],
      'ipvs: --tunnel: only with --forwarding tunnel',
    ],
    [
      ['add', 'destination', 'tcp:172.16.0.100:80', '10.0.0.7:8080'],
      'ipvs: <destination>: forwarding "direct", the default, cannot change the port to 8080; name --forwarding ("masquerade"',
    ],
    [['marks', 'add', '0', ...web], 'ipvs: <mark>: "0" is not a mark'],
    [['marks', 'add', '7', 'x', 'tcp', '80'], 'ipvs: <address>: "x" is not an IPv4 or IPv6 address'],
    [
      ['marks', 'add', '7', '172.16.0.100', 'tpc', '80'],
      'ipvs: <protocol>: "tpc" is not "tcp", "udp" or "sctp"; did you mean "tcp"?',
    ],
    [['marks', 'add', '7', '172.16.0.100', 'tcp', '80,0'], 'ipvs: <ports>: 0 is not an integer from 1 to 65535'],
    [['marks', 'add', '7', '172.16.0.100', 'tcp'], 'ipvs: <ports>: is missing'],
    [['marks', 'add', '7', ...web, '--mask', '0x6'], 'ipvs: --mask: does not include the bits 0x1 of mark 0x7'],
    [['marks', 'add', '7', ...web, '--source', 'y'], 'ipvs: --source: "y" is not an IPv4'],
    [['marks', 'add', '7', ...web, '--interface', 'a b'], 'ipvs: --interface: "a b" is not the name'],
    [['marks', 'add', '7', ...web, '--comment', 'a"b'], 'ipvs: --comment: "a\\"b" is not text'],
    [['marks', 'nat', 'add', 'masquerade', 'y', 'tcp', '20'], 'ipvs: <source>: "y" is not'],
    [['marks', 'nat', 'add', 'masquerade', '10.0.0.0/8', 'tcp', 'x'], 'ipvs: <ports>: "x" is not'],
    [['marks', 'nat', 'add', 'masquerade', '10.0.0.0/8', 'tcp', '20', '--to', 'y'], 'ipvs: --to: "y" is not'],
    [['marks', 'nat', 'add', 'redirect', '10.0.0.7', 'tcp', '80', '--to-port', '0'], 'ipvs: --to-port: 0 is not'],
    [['marks', 'allocate', '--from', '9', '--to', '8'], 'ipvs: --to: 8 is less than --from, 9'],
    [['marks', 'allocate', '--from', 'x'], 'ipvs: --from: "x" is not a mark'],
    [['connections', '--protocol', 'tpc'], 'ipvs: --protocol: "tpc" is not'],
    [['connections', '--state', 'OPEN'], 'ipvs: --state: "OPEN" is not'],
    [['connections', '--client', '10.0.0.1:99999'], 'ipvs: --client: 99999 is not an integer from 0 to 65535'],
    [['connections', '--fwmark', '0'], 'ipvs: --fwmark: "0" is not a mark'],
    [['connections', '--limit', '0'], 'ipvs: --limit: 0 is not an integer'],
    [['connections', '--count-by', 'x'], 'ipvs: --count-by: "x" is not'],
    [['connections', '--count-by', ','], 'ipvs: --count-by: name at least one of'],
    [['list', '--netns', 'x'.repeat(5000)], 'ipvs: --netns: "/run/netns/xxx'],
  ])('%j', async (words, said) => {
    const { status, stderr } = await run(...words)
    expect(stderr).toContain(said)
    expect(stderr).not.toMatch(/\(\)|service\.|patch\.|destination\.|rule\.|filter\.|options\.|fields/)
    expect(status).toBe(2)
  })
})

describe('refusals of the kernel', () => {
  const errno = { ENOENT: 2, EEXIST: 17, ESRCH: 3, EINVAL: 22, EPERM: 1, ERANGE: 34, EAFNOSUPPORT: 97, EBUSY: 16 }
  const commands = [
    ['list'],
    ['stats'],
    ['save'],
    ['add', 'service', 'mark:7'],
    ['set', 'service', 'mark:7', '--scheduler', 'wrr'],
    ['remove', 'service', 'tcp:172.16.0.100:80'],
    ['add', 'destination', 'mark:7/ipv6', 'fd00::1'],
    ['set', 'destination', 'mark:7', '10.0.0.7', '--weight', '0'],
    ['remove', 'destination', 'mark:7', '10.0.0.7'],
  ]
  const cases = commands.flatMap((words) => Object.entries(errno).map(([name, number]) => ({ words, name, number })))

  test.each(cases)('$name of $words', async ({ words, number }) => {
    const { FakeSession } = await import('../../support/fake-session.ts')
    vi.spyOn(FakeSession.prototype, 'execute').mockResolvedValue(failed('rejected', number) as never)
    vi.spyOn(FakeSession.prototype, 'read').mockResolvedValue(failed('rejected', number) as never)
    vi.spyOn(FakeSession.prototype, 'snapshot').mockResolvedValue(failed('rejected', number) as never)
    const { status, stderr } = await run(...words)
    if (words[0] === 'stats') return // reads a file
    expect(sessions.sessions.length).toBeGreaterThan(0)
    expect(stderr).toMatch(/^ipvs: \S.*\n$/)
    expect(stderr).not.toMatch(/\w\(\)|\b(service|patch|destination|options)\.\w/)
    expect(status).toBe(1)
  })
})

describe('documents', () => {
  const rule = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: 80 }
  test.each<[unknown[], string]>([
    [[rule, { ...rule, mark: 0 }], 'standard input: [1].mark: 0 is not a mark'],
    [[rule, { ...rule, prots: 80 }], 'standard input: [1].prots: there is no such property; did you mean "ports"?'],
    [[rule, { ...rule, ports: [81, '9-8'] }], 'standard input: [1].ports[1]: "9-8" ends before it begins'],
    [[rule, null], 'standard input: [1]: null is not an object'],
    [[rule, { ...rule, mark: 8 }], 'standard input: [1]: "tcp 172.16.0.100 port 80 -> mark 8" overlaps'],
  ])('%j', async (rules, said) => {
    const output = new Written({ input: JSON.stringify(rules) })
    expect(await runProgram(['marks', 'replace'], output)).toBe(1)
    expect(output.stderr).toContain(`ipvs: ${said}`)
    expect(output.stderr).not.toMatch(/rules\[|\(\)/)
  })

  test('a place in a document', () => {
    const about = { operation: 'addDestination', target: 'FWM 7 ipv4 -> 10.0.0.7:80', attribute: 'destination.weight' }
    const error = new IpvsError('ERR_IPVS_INVALID_ARGUMENT', 'destination.weight: -1 is not an integer', about)
    expect(inDocument(error, 'services[3].destinations[1]')).toBe(
      'services[3].destinations[1].weight: -1 is not an integer',
    )
    const refused = new IpvsError('ERR_IPVS_KERNEL', 'the kernel refuses (EBUSY)', { ...about, attribute: undefined })
    expect(inDocument(refused, 'services[3]')).toBe('services[3]: mark:7 -> 10.0.0.7:80: the kernel refuses (EBUSY)')
  })
})
